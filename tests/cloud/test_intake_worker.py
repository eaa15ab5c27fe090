"""The worker's part: previews roll back, claims and leases keep workers apart."""

from datetime import datetime, timedelta

import pytest

from cloud import applying, intake
from cloud.changes import NOBODY, SnapshotChange
from cloud.locks import locked
from cloud.models import Installation, Intake, Ledger, ServerAccount
from cloud.refusals import IntakeRefused
from cloud.retention import enforce
from tests.cloud.books import NOW, apply_now, commit_whole, connect, lines_of, opening, people, send, sync
from wire.messages import ErrorCode

MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def test_preview_says_what_would_change_and_changes_nothing(server: Installation) -> None:
    sync(server, [MONA])
    before = people(server.ledger)

    status = send(server, lines_of([HUBOT]), opening(server, lines_of([HUBOT]), kind="preview"))

    server.refresh_from_db()
    assert status.preview is not None
    assert (status.preview.added, status.preview.removed, status.preview.revision) == (1, 1, 1)
    assert (status.receipt, server.revision) == ("", 1)
    assert people(server.ledger) == before
    assert server.last_status == Installation.SyncStatus.SUCCESS


def test_preview_of_an_unchanged_snapshot_is_empty(server: Installation) -> None:
    sync(server, [MONA])

    status = send(server, lines_of([MONA]), opening(server, lines_of([MONA]), kind="preview"))

    assert status.preview is not None
    assert (status.preview.added, status.preview.changed, status.preview.removed) == (0, 0, 0)
    assert server.revision == 1


def test_taken_snapshot_is_left_to_its_worker(server: Installation) -> None:
    opened = commit_whole(server, lines_of([MONA]))
    Intake.objects.update(claim=1, lease_until=NOW + timedelta(minutes=5))

    apply_now(server, opened.sync_id)

    assert intake.status(server, opened.sync_id).state == "applying"


def test_snapshot_of_a_killed_worker_is_taken_up_again(server: Installation) -> None:
    opened = commit_whole(server, lines_of([MONA]))
    Intake.objects.update(claim=1, lease_until=NOW - timedelta(seconds=1))

    apply_now(server, opened.sync_id)

    assert intake.status(server, opened.sync_id).state == "applied"


def test_preview_that_expires_says_nothing_of_the_sync_under_way(server: Installation) -> None:
    lines = lines_of([(1, "a@octo.example")])
    intake.open_sync(server, opening(server, lines, kind="preview"), NOW)
    commit_whole(server, lines)

    enforce(NOW + timedelta(hours=2))

    server.refresh_from_db()
    assert server.last_status == Installation.SyncStatus.PENDING


def test_snapshot_that_kills_every_worker_is_refused(server: Installation) -> None:
    opened = commit_whole(server, lines_of([MONA]))
    Intake.objects.update(claim=5, lease_until=NOW - timedelta(seconds=1))

    apply_now(server, opened.sync_id)

    problem = intake.status(server, opened.sync_id).problem
    assert problem is not None
    assert problem.code == ErrorCode.BUSY


def test_worker_that_lost_its_claim_changes_nothing(server: Installation) -> None:
    opened = commit_whole(server, lines_of([MONA]))
    ticks = iter(range(10))

    def clock() -> datetime:
        """The second look at the clock is when another worker takes over."""
        if next(ticks) == 1:
            Intake.objects.update(claim=9)
        return NOW

    intake.apply(server.intakes.get().pk, clock)

    assert intake.status(server, opened.sync_id).state == "applying"
    assert not ServerAccount.objects.exists()


def test_record_that_came_while_a_snapshot_was_applied_stays(server: Installation) -> None:
    sync(server, [MONA])
    intake_row = server.intakes.get()
    opened = opening(server, lines_of([MONA]), sync_id=str(intake_row.snapshot_id))
    loaded_before = Installation.objects.get(pk=server.pk)
    Installation.objects.filter(pk=server.pk).update(version="3.20.0")

    with locked(server.ledger_id) as ledger:
        change = SnapshotChange(snapshot_id=intake_row.snapshot_id, added=0, changed=0, removed=0)
        difference = applying._difference(0, ledger, opened, change, NOBODY, revision=2)
        applying._keep(ledger, loaded_before, intake_row, opened, difference, NOW)

    server.refresh_from_db()
    assert (server.version, server.revision) == ("3.20.0", 2)


def test_refusal_of_a_worker_that_lost_its_claim_changes_nothing(server: Installation) -> None:
    sync(server, [MONA])
    stale = server.intakes.get()
    stale.claim -= 1

    applying._refuse(stale, IntakeRefused(ErrorCode.DIGEST_MISMATCH), NOW)

    server.refresh_from_db()
    assert (server.intakes.get().state, server.last_status) == (Intake.State.APPLIED, "success")
