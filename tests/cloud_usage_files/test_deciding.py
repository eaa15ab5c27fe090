"""What becomes of files: applied, discarded, uploaded twice, taken up after a crash, kept for a day."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError

from cloud import applying, claims, file_parts, services, usage_files
from cloud.models import Installation, Intake, IntakePart, Ledger, ServerAccount
from cloud.retention import enforce
from cloud.usage_files import UploadRefused, UploadState, status_of
from cloud.usage_files.states import Stage
from enterprises.models import AuditEvent, StagedUpload, User
from enterprises.uploads import stage_upload
from tests.cloud.books import NOW, connect, lines_of, opening, people, send, sync
from tests.cloud_usage_files.steps import apply, learn, upload, upload_bytes, worked
from tests.factories import make_user
from tests.support.usage_files import FileServer, lines_for
from wire.messages import ErrorCode

A_DAY = timedelta(days=1)
MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")
CROWD = [(number, f"u{number}@octo.example") for number in range(1, 26)]


def wired(ledger: Ledger, far: FileServer) -> Installation:
    """The same server with a line."""
    server = connect(ledger, far.hostname)
    Installation.objects.filter(pk=server.pk).update(server_id=far.server_id, server_key=far.server_key)
    server.refresh_from_db()
    return server


def test_applying_twice_is_applying_once(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])

    assert usage_files.apply_upload(intake=intake, by=owner, at=NOW)
    assert not usage_files.apply_upload(intake=intake, by=owner, at=NOW)
    assert worked(intake).result is not None
    assert ledger.installations.get().revision == 1


def test_discarded_file_is_not_applied(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])

    assert usage_files.discard_upload(intake=intake, by=owner, at=NOW)

    assert not usage_files.apply_upload(intake=intake, by=owner, at=NOW)
    assert not usage_files.discard_upload(intake=intake, by=owner, at=NOW)
    intake.refresh_from_db()
    assert status_of(intake, NOW).state is UploadState.DISCARDED
    assert not IntakePart.objects.exists()


def test_file_that_is_being_applied_is_not_discarded(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])
    usage_files.apply_upload(intake=intake, by=owner, at=NOW)

    assert not usage_files.discard_upload(intake=intake, by=owner, at=NOW)
    assert worked(intake).state == Intake.State.APPLIED


def test_discarding_ends_a_worker_that_reads(
    ledger: Ledger, owner: User, far: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wire.usage_reading.MAX_PART_LINES", 10)
    intake = usage_files.upload(
        ledger=ledger, stream=far.stream(lines_for(CROWD)), name="u", by=owner, at=NOW, fingerprint=far.fingerprint
    )
    kept = file_parts._keep

    def discard_after(*arguments: object) -> None:
        kept(*arguments)  # type: ignore[arg-type]
        usage_files.discard_upload(intake=Intake.objects.get(pk=intake.pk), by=owner, at=NOW)

    monkeypatch.setattr(file_parts, "_keep", discard_after)

    assert worked(intake).state == Intake.State.EXPIRED
    assert not IntakePart.objects.exists()
    assert not StagedUpload.objects.exists()


def test_reading_that_broke_off_is_done_again(
    ledger: Ledger, owner: User, far: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wire.usage_reading.MAX_PART_LINES", 10)
    intake = usage_files.upload(
        ledger=ledger, stream=far.stream(lines_for(CROWD)), name="u", by=owner, at=NOW, fingerprint=far.fingerprint
    )
    with monkeypatch.context() as broken:
        broken.setattr(file_parts, "_let_go", _break)
        with pytest.raises(OperationalError):
            applying.apply(intake.pk, lambda: NOW)
    intake.refresh_from_db()
    read_at_first = (intake.accounts_read, intake.parts.count(), StagedUpload.objects.count())

    worked(intake)

    assert read_at_first == (25, 3, 1)
    assert status_of(intake, NOW).state is UploadState.READY
    assert (intake.accounts_read, intake.parts.count(), StagedUpload.objects.count()) == (25, 3, 0)


def _break(_intake: Intake, *_more: object) -> None:
    raise OperationalError


def test_progress_goes_up(ledger: Ledger, owner: User, far: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wire.usage_reading.MAX_PART_LINES", 10)
    intake = usage_files.upload(
        ledger=ledger, stream=far.stream(lines_for(CROWD)), name="u", by=owner, at=NOW, fingerprint=far.fingerprint
    )
    seen: list[float] = []
    kept = file_parts._keep

    def look_after(*arguments: object) -> None:
        kept(*arguments)  # type: ignore[arg-type]
        status = status_of(Intake.objects.get(pk=intake.pk), NOW)
        seen.append(status.progress)
        assert (status.state, status.stage) == (UploadState.PENDING, Stage.READING)

    monkeypatch.setattr(file_parts, "_keep", look_after)
    worked(intake)

    assert 0 < seen[0] < seen[1] < seen[2] < 1
    assert status_of(intake, NOW).progress == 1


def test_late_worker_of_the_preview_does_not_touch_what_is_applied(
    ledger: Ledger, owner: User, far: FileServer
) -> None:
    intake = upload(ledger, owner, far, [MONA])
    late = Intake.objects.get(pk=intake.pk)
    usage_files.apply_upload(intake=intake, by=owner, at=NOW)
    claims.claim(intake.pk, NOW)

    assert not claims.mine(late).exists()


def test_second_file_of_a_person_takes_nothing_from_the_first(ledger: Ledger, owner: User, far: FileServer) -> None:
    first, second = (
        usage_files.upload(
            ledger=ledger,
            stream=far.stream(lines_for(accounts)),
            name="u",
            by=owner,
            at=NOW,
            fingerprint=far.fingerprint,
        )
        for accounts in ([MONA], [HUBOT])
    )
    enforce(NOW + 2 * timedelta(hours=1))

    assert status_of(worked(first), NOW).state is UploadState.READY
    assert status_of(worked(second), NOW).state is UploadState.READY


def test_same_file_of_another_owner_is_the_same_upload(ledger: Ledger, owner: User, far: FileServer) -> None:
    data = far.file(lines_for([MONA]))
    other = make_user("oskar")

    first = upload_bytes(ledger, owner, far, data)

    assert upload_bytes(ledger, other, far, data).pk == first.pk
    assert not StagedUpload.objects.exists()
    apply(first, other)
    assert {event.action for event in AuditEvent.objects.filter(actor=other)} == {"license.upload_apply"}


def test_discarded_file_may_come_again(ledger: Ledger, owner: User, far: FileServer) -> None:
    data = far.file(lines_for([MONA]))
    usage_files.discard_upload(intake=upload_bytes(ledger, owner, far, data), by=owner, at=NOW)

    assert apply(upload_bytes(ledger, owner, far, data), owner).state == Intake.State.APPLIED


def test_preview_waits_for_a_day(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])

    enforce(NOW + A_DAY - timedelta(minutes=1))
    assert IntakePart.objects.exists()
    enforce(NOW + A_DAY)

    intake.refresh_from_db()
    assert not IntakePart.objects.exists()
    assert status_of(intake, NOW + A_DAY).code == "expired"


def test_samples_and_ended_files_go_with_time(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA])
    assert intake.samples

    enforce(NOW + A_DAY)
    intake.refresh_from_db()
    assert intake.samples is None
    cache.clear()
    enforce(NOW + timedelta(days=32))

    assert not Intake.objects.exists()


def test_unread_file_waits_for_a_worker(ledger: Ledger, owner: User, far: FileServer) -> None:
    usage_files.upload(
        ledger=ledger, stream=far.stream(lines_for([MONA])), name="u", by=owner, at=NOW, fingerprint=far.fingerprint
    )

    enforce(NOW + timedelta(days=6))
    assert list(claims.waiting(NOW)) == [Intake.objects.get()]
    assert StagedUpload.objects.exists()

    enforce(NOW + timedelta(days=7))
    assert not StagedUpload.objects.exists()


def test_disconnected_server_reports_by_file_from_then_on(ledger: Ledger, owner: User, far: FileServer) -> None:
    server = wired(ledger, far)
    sync(server, [MONA])
    services.disconnect_installation(installation=server, by=owner, at=NOW)
    learn(far, server)

    apply(upload(ledger, owner, far, [MONA, HUBOT]), owner)

    server.refresh_from_db()
    assert (server.state, server.disconnected_at, server.revision) == (Installation.State.BY_FILE, None, 2)


def test_connected_server_stays_connected(ledger: Ledger, owner: User, far: FileServer) -> None:
    server = wired(ledger, far)

    apply(upload(ledger, owner, far, [MONA]), owner)

    server.refresh_from_db()
    assert (server.state, server.held_channel) == (Installation.State.CONNECTED, "file")
    send(server, lines_of([HUBOT]), opening(server, lines_of([HUBOT])))
    assert (server.revision, server.held_channel, server.last_channel) == (2, "wire", "wire")


def test_disconnecting_leaves_files_alone(ledger: Ledger, owner: User, far: FileServer) -> None:
    server = wired(ledger, far)
    intake = upload(ledger, owner, far, [MONA])

    services.disconnect_installation(installation=server, by=owner, at=NOW)

    assert apply(intake, owner).state == Intake.State.APPLIED


def test_server_by_file_is_removed_with_its_people(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)
    learn(far, ledger.installations.get())
    unread = far.stream(lines_for([HUBOT]))
    usage_files.upload(ledger=ledger, stream=unread, name="u", by=owner, at=NOW)

    services.remove_installation(installation=ledger.installations.get(), by=owner, at=NOW)

    assert people(ledger) == []
    assert not StagedUpload.objects.exists()
    assert not ServerAccount.objects.exists()
    assert not Intake.objects.exists()


def test_server_that_was_removed_while_its_file_came_in_is_not_registered(
    ledger: Ledger, owner: User, far: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(ledger, owner, far, [MONA])

    def stage(**given: Any) -> StagedUpload:
        services.remove_installation(installation=ledger.installations.get(), by=owner, at=NOW)
        return stage_upload(**given)

    monkeypatch.setattr("cloud.usage_files.uploading.stage_upload", stage)
    with pytest.raises(UploadRefused) as caught:
        usage_files.upload(ledger=ledger, stream=far.stream(lines_for([MONA])), name="u", by=owner, at=NOW)

    assert caught.value.code == ErrorCode.INSTALLATION_GONE
    assert not StagedUpload.objects.exists()


def test_upload_may_apply_at_once(ledger: Ledger, owner: User, far: FileServer) -> None:
    intake = upload(ledger, owner, far, [MONA], apply=True)

    assert status_of(intake, NOW).state is UploadState.SUCCESS
    assert intake.uploaded_by == owner


def test_what_is_done_is_audited_without_addresses(ledger: Ledger, owner: User, far: FileServer) -> None:
    apply(upload(ledger, owner, far, [MONA]), owner)

    events = {event.action: event for event in AuditEvent.objects.filter(actor=owner)}
    assert {"enterprise_installation.register", "license.upload", "license.upload_apply"} <= events.keys()
    assert "mona" not in "".join(str(event.after) for event in events.values())
