"""What a server began to send and will not finish: it withdraws it, or is silent for a day."""

from datetime import datetime, timedelta

import pytest

from cloud import intake
from cloud.models import Installation, Intake, IntakePart, Ledger
from cloud.refusals import IntakeRefused
from cloud.retention import enforce
from cloud.services import remove_installation
from tests.cloud.books import NOW, commit_whole, connect, lines_of, open_books, opening, sync
from tests.support.races import race
from wire.lines import SnapshotDigest
from wire.messages import ErrorCode, OpenSync
from wire.parts import pack

LINES = lines_of([(1, "mona@octo.example")])
PART = pack(LINES[0] + b"\n")


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def half(server: Installation, at: datetime = NOW, **fields: object) -> OpenSync:
    """Open a snapshot of two parts, and send the first."""
    opened = opening(server, LINES, **{"accounts": 2, "parts": 2, "sha256": SnapshotDigest().hexdigest()} | fields)
    intake.open_sync(server, opened, at)
    intake.receive_part(server, opened.sync_id, 1, PART, at)
    return opened


def test_withdrawn_snapshot_leaves_no_bytes(server: Installation) -> None:
    opened = half(server)

    first = intake.withdraw(server, opened.sync_id, NOW)
    again = intake.withdraw(server, opened.sync_id, NOW)

    server.refresh_from_db()
    assert (first.state, again) == ("expired", first)
    assert not IntakePart.objects.exists()
    assert (server.last_status, server.last_error) == (
        Installation.SyncStatus.FAILURE,
        "The server ended its last sync before it had sent everything.",
    )


def test_part_that_comes_behind_the_withdrawal_is_not_kept(server: Installation) -> None:
    opened = half(server)
    intake.withdraw(server, opened.sync_id, NOW)

    assert intake.receive_part(server, opened.sync_id, 2, PART, NOW).state == "expired"

    assert not IntakePart.objects.exists()


def test_committed_snapshot_cannot_be_withdrawn(server: Installation) -> None:
    committed = commit_whole(server, LINES)

    assert intake.withdraw(server, committed.sync_id, NOW).state == "applying"


def test_applied_snapshot_keeps_its_receipt(server: Installation) -> None:
    applied = sync(server, [(1, "mona@octo.example")])

    status = intake.withdraw(server, applied.sync_id, NOW)

    server.refresh_from_db()
    assert (status.state, status.receipt) == ("applied", applied.receipt)
    assert server.last_status == Installation.SyncStatus.SUCCESS


def test_snapshot_of_another_server_cannot_be_withdrawn(server: Installation, ledger: Ledger) -> None:
    opened = half(server)

    with pytest.raises(IntakeRefused):
        intake.withdraw(connect(ledger, "ghes2.octo.example"), opened.sync_id, NOW)

    assert IntakePart.objects.exists()


def test_a_day_of_silence_ends_it(server: Installation) -> None:
    half(server)

    enforce(NOW + timedelta(hours=23))
    assert IntakePart.objects.exists()
    enforce(NOW + timedelta(hours=25))

    assert not IntakePart.objects.exists()
    assert Intake.objects.get().state == Intake.State.EXPIRED


def test_server_that_is_heard_again_has_another_day(server: Installation) -> None:
    opened = half(server)
    intake.open_sync(server, opened, NOW + timedelta(hours=20))
    intake.receive_part(server, opened.sync_id, 1, PART, NOW + timedelta(hours=40))

    enforce(NOW + timedelta(hours=60))

    assert IntakePart.objects.exists()


@pytest.mark.parametrize(("kind", "longest"), [("usage", timedelta(days=7)), ("preview", timedelta(hours=1))])
def test_however_often_it_is_heard_there_is_an_end(server: Installation, kind: str, longest: timedelta) -> None:
    opened = half(server, kind=kind)
    for share in range(1, 10):
        intake.open_sync(server, opened, NOW + longest * share / 10)

    enforce(NOW + longest + timedelta(seconds=1))

    assert not IntakePart.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["part", "commit"])
def test_server_that_is_removed_at_this_moment_is_told_so(step: str) -> None:
    server = connect(open_books("octo"), "ghes1.octo.example")
    opened = half(server, accounts=1, parts=1)

    def send() -> None:
        if step == "part":
            intake.receive_part(server, opened.sync_id, 1, PART, NOW)
        else:
            intake.commit(server, opened.sync_id, NOW)

    def is_told() -> None:
        with pytest.raises(IntakeRefused) as refusal:
            send()
        assert refusal.value.code == ErrorCode.INSTALLATION_GONE

    race(
        lambda _number: remove_installation(installation=server, by=None, at=NOW),
        before='DELETE FROM "cloud_intake" ',
        meanwhile=is_told,
    )

    assert not IntakePart.objects.exists()
