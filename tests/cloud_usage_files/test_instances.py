"""How a server that reports by file stands on its account's page, and what owners are mailed about it."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from cloud.doctor import cloud_checks
from cloud.installing import ConnectionExists, check_free, install
from cloud.instances import InstanceState, Standing, instance_states
from cloud.models import Installation, Intake, Ledger
from cloud.notices import current
from cloud.renaming import follow_rename
from cloud.reports import server_instances
from cloud.services import disconnect_installation
from cloud.usage_files import UploadCode, apply_upload
from enterprises.models import User
from tests.cloud.books import NOW, connect, open_books
from tests.cloud_usage_files.steps import apply, learn, refused_to_apply, upload, worked
from tests.support.usage_files import FileServer
from wire.messages import ErrorCode, Manifest

MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")


def state(ledger: Ledger, at: timedelta = timedelta()) -> InstanceState:
    (only,) = instance_states(ledger, NOW + at)
    return only


def manifest(far: FileServer, **changes: str) -> Manifest:
    facts: dict[str, Any] = {
        "server_id": far.server_id,
        "hostname": far.hostname,
        "server_key": far.server_key,
    } | changes
    return Manifest(
        version="3.20.1", http_only=False, callback="", audience="", app_key="a key", issued_at=NOW, **(facts | changes)
    )


def test_status_of_a_file_from_its_upload_on(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])
    never = state(ledger)
    apply_upload(intake=intake, by=owner, at=NOW)
    pending = state(ledger)
    worked(intake)
    done = state(ledger)

    assert (str(never.status), str(never.label)) == ("Server usage never uploaded", "No usage file yet")
    assert (str(pending.status), pending.upload_state) == ("Server usage uploaded", "PENDING")
    assert (str(done.status), done.upload_state, done.at) == ("Server usage uploaded", "SUCCESS", NOW)
    assert (done.standing, done.last_upload) == (Standing.UP_TO_DATE, intake.pk)


def test_refused_file_says_why(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)
    learn(far, ledger.installations.get())
    upload(ledger, owner, far, [HUBOT], apply=True)

    failed = state(ledger)

    assert (str(failed.label), failed.upload_state) == ("Last upload failed", "FAILURE")
    assert failed.problem.startswith("The file would remove more than a fifth")


def test_nothing_is_expected_weekly_but_stale_is_said(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)

    late = state(ledger, timedelta(days=9))

    assert (late.standing, late.next_expected_at, late.is_overdue) == (Standing.STALE, None, False)


@pytest.mark.parametrize("is_applied", [True, False])
def test_owners_are_mailed_after_five_weeks(is_applied: bool, ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])
    if is_applied:
        apply(intake, owner)

    assert list(current(NOW + timedelta(days=35))) == []
    (cause,) = current(NOW + timedelta(days=35, minutes=1))
    assert (cause.code, cause.facts["state"]) == ("server_stale", "by_file")


def test_line_that_is_laid_later_revives_the_row(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)

    server = install(ledger, manifest(far), by=owner, at=NOW, ip="")

    assert (ledger.installations.get(), server.state, server.revision) == (server, Installation.State.CONNECTED, 1)


def test_other_key_of_the_same_server_is_kept_out(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)

    with pytest.raises(ConnectionExists):
        check_free(ledger, manifest(far, server_key=FileServer().server_key))


def test_name_of_a_server_by_file_is_taken(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)

    with pytest.raises(ConnectionExists):
        check_free(ledger, manifest(FileServer()))
    with pytest.raises(ConnectionExists):
        follow_rename(
            installation=connect(ledger, "old.octo.example"),
            former="old.octo.example",
            hostname=far.hostname,
            at=NOW,
            ip="",
        )


def test_disconnected_server_of_the_name_keeps_nobody_out(ledger: Ledger, owner: User, far: FileServer) -> None:
    disconnect_installation(installation=connect(ledger, far.hostname), by=owner, at=NOW)

    assert upload(ledger, owner, far, [MONA]).state == Intake.State.APPLIED


def test_server_whose_place_was_taken_is_not_revived(ledger: Ledger, owner: User, far: FileServer) -> None:
    server = install(ledger, manifest(far), by=owner, at=NOW, ip="")
    intake = upload(ledger, owner, far, [MONA])
    disconnect_installation(installation=server, by=owner, at=NOW)
    connect(ledger, far.hostname)

    assert refused_to_apply(intake, owner) == ErrorCode.CONNECTION_EXISTS


def test_server_that_went_to_another_account_is_not_revived(ledger: Ledger, owner: User, far: FileServer) -> None:
    server = install(ledger, manifest(far), by=owner, at=NOW, ip="")
    intake = upload(ledger, owner, far, [MONA])
    apply_upload(intake=intake, by=owner, at=NOW)
    disconnect_installation(installation=server, by=owner, at=NOW)
    install(open_books("other"), manifest(far), by=owner, at=NOW, ip="")

    done = worked(intake)

    assert (done.state, done.error_code) == (Intake.State.REFUSED, UploadCode.OTHER_ACCOUNT)
    assert state(ledger).installation.state == Installation.State.DISCONNECTED


def test_github_s_status_tells_of_files_too(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])
    apply_upload(intake=intake, by=owner, at=NOW)
    (pending,) = server_instances(ledger)
    worked(intake)

    (done,) = server_instances(ledger)
    assert (pending.last_sync.status, done.last_sync.status) == ("pending", "success")
    assert done.last_sync.date == "2026-03-02T09:30:00Z"


def test_command_says_how_a_server_reports(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)
    out = io.StringIO()

    call_command("server_instances", "octo", "--json", stdout=out)

    (server,) = json.loads(out.getvalue())["servers"]
    assert (server["state"], server["channel"], server["upload"]) == ("by_file", "file", "SUCCESS")


def test_doctor_asks_for_the_next_file(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)

    checks = cloud_checks(lambda: [ledger], NOW + timedelta(days=9))

    (check,) = (each for each in checks if each.about == far.hostname)
    assert check.next_step.startswith("Export license usage on the License page")
