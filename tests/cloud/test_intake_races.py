"""Snapshots on their way in when eight come at the same moment, and what would happen without each guard."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from cloud import claims, intake, retention, services
from cloud.models import Installation, Intake, IntakePart
from cloud.refusals import IntakeRefused
from tests.cloud.books import NOW, Account, apply_now, commit_whole, connect, lines_of, open_books, opening, parts_of
from tests.support.races import THREADS, race, without_condition, without_lock, without_unique
from wire.messages import OpenSync

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS: list[Account] = [(1, "one@octo.example")]
LINES = lines_of(ACCOUNTS)
NEW_INTAKE = 'INSERT INTO "cloud_intake" '
NEW_PART = 'INSERT INTO "cloud_intakepart"'
INTAKE = 'UPDATE "cloud_intake"'
LATER = NOW + 2 * claims.LEASE


@pytest.fixture
def server() -> Installation:
    return connect(open_books("octo"), "ghes1.octo.example")


def open_eight(server: Installation, opened: OpenSync) -> set[object]:
    return set(race(lambda _number: intake.open_sync(server, opened, NOW), before=NEW_INTAKE))


def test_opening_that_comes_eight_times_is_one(server: Installation) -> None:
    answers = open_eight(server, opening(server, LINES))

    assert len(answers) == 1
    assert Intake.objects.count() == 1


@pytest.mark.postgres
def test_without_the_constraint_it_is_eight(server: Installation) -> None:
    with without_unique(Intake, "intake_snapshot_once"):
        open_eight(server, opening(server, LINES))
        assert Intake.objects.count() == THREADS


def open_eight_apart(server: Installation) -> int:
    """Eight snapshots of a server are opened; return how many of them may then send parts."""
    race(lambda _number: intake.open_sync(server, opening(server, LINES), NOW), before=NEW_INTAKE)
    return Intake.objects.filter(state=Intake.State.RECEIVING).count()


def test_of_eight_snapshots_one_may_send_parts(server: Installation) -> None:
    assert open_eight_apart(server) == 1


@pytest.mark.postgres
def test_without_the_lock_all_may(server: Installation) -> None:
    with without_lock(Installation):
        assert open_eight_apart(server) == THREADS


def disconnect(server: Installation) -> None:
    services.disconnect_installation(installation=Installation.objects.get(pk=server.pk), by=None, at=NOW)


def remove(server: Installation) -> None:
    services.remove_installation(installation=Installation.objects.get(pk=server.pk), by=None, at=NOW)


def give_way(server: Installation) -> None:
    intake.open_sync(server, opening(server, LINES), NOW)


def grow_old(server: Installation) -> None:
    retention.enforce(NOW + timedelta(days=8))


def withdraw(server: Installation) -> None:
    intake.withdraw(server, str(Intake.objects.get().snapshot_id), NOW)


ENDS = [disconnect, give_way, withdraw, grow_old]


def open_behind(server: Installation) -> str:
    """Eight open a snapshot while their server is disconnected; return what its page says then."""
    race(
        lambda _number: intake.open_sync(server, opening(server, LINES), NOW),
        before=NEW_INTAKE,
        meanwhile=lambda: disconnect(server),
        refusals=(IntakeRefused,),
    )
    server.refresh_from_db()
    return server.last_status


@pytest.mark.postgres
def test_nothing_is_under_way_after_disconnecting(server: Installation) -> None:
    assert open_behind(server) != Installation.SyncStatus.PENDING
    assert not Intake.objects.filter(state__in=Intake.OPEN).exists()


@pytest.mark.postgres
def test_without_the_lock_something_seems_to_be(server: Installation) -> None:
    with without_lock(Installation):
        assert open_behind(server) == Installation.SyncStatus.PENDING
    assert Intake.objects.filter(state__in=Intake.OPEN).exists()


def send_part_behind(server: Installation, end: Callable[[Installation], None]) -> None:
    """Eight times the same part comes in while its snapshot ends."""
    opened = opening(server, LINES)
    intake.open_sync(server, opened, NOW)
    body = parts_of(LINES)[0]
    race(
        lambda _number: intake.receive_part(server, opened.sync_id, 1, body, NOW),
        before=NEW_PART,
        meanwhile=lambda: end(server),
        refusals=(IntakeRefused,),
    )


@pytest.mark.parametrize("end", ENDS)
def test_part_that_comes_while_its_snapshot_ends_leaves_no_bytes(
    server: Installation, end: Callable[[Installation], None]
) -> None:
    send_part_behind(server, end)

    assert not IntakePart.objects.exists()


@pytest.mark.postgres
@pytest.mark.parametrize("end", ENDS)
def test_without_the_lock_it_leaves_them(server: Installation, end: Callable[[Installation], None]) -> None:
    with without_lock(Intake):
        send_part_behind(server, end)

    assert IntakePart.objects.get().body


def open_preview(server: Installation) -> None:
    intake.open_sync(server, opening(server, LINES, kind="preview"), NOW)


def send_part(server: Installation) -> None:
    intake.receive_part(server, str(Intake.objects.get().snapshot_id), 1, parts_of(LINES)[0], NOW)


def remove_while(server: Installation, arrive: Callable[[Installation], None], *, before: str) -> None:
    """Eight owners press Remove while something of the server comes in."""
    give_way(server)

    def come() -> None:
        with suppress(IntakeRefused):
            arrive(server)

    race(lambda _number: remove(server), before=before, meanwhile=come, refusals=(Installation.DoesNotExist,))


ARRIVALS = pytest.mark.parametrize(
    ("arrive", "before"),
    [(open_preview, 'DELETE FROM "cloud_installation"'), (send_part, 'DELETE FROM "cloud_intake" ')],
)


@ARRIVALS
def test_server_is_removed_whatever_comes_in(
    server: Installation, arrive: Callable[[Installation], None], before: str
) -> None:
    remove_while(server, arrive, before=before)

    assert not Installation.objects.exists()
    assert not Intake.objects.exists()


@pytest.mark.postgres
@ARRIVALS
def test_without_the_locks_removing_it_fails(
    server: Installation, arrive: Callable[[Installation], None], before: str
) -> None:
    with without_lock(Installation), without_lock(Intake), pytest.raises(IntegrityError):
        remove_while(server, arrive, before=before)


def commit_behind(server: Installation) -> Intake:
    """Eight times the same commit comes in, and is overtaken by one more whose snapshot is applied at once."""
    opened = opening(server, LINES)
    intake.open_sync(server, opened, NOW)
    send_part(server)

    def commit_and_apply() -> None:
        intake.commit(server, opened.sync_id, NOW)
        apply_now(server, opened.sync_id)

    race(
        lambda _number: intake.commit(server, opened.sync_id, NOW),
        before=f'{INTAKE} SET "state" = ',
        meanwhile=commit_and_apply,
    )
    return Intake.objects.get()


def test_commit_that_comes_again_applies_nothing_twice(server: Installation) -> None:
    assert commit_behind(server).state == Intake.State.APPLIED


@pytest.mark.postgres
def test_without_the_locks_it_is_to_be_applied_again(server: Installation) -> None:
    with without_lock(Installation), without_lock(Intake):
        done = commit_behind(server)

    assert done.receipt
    assert done.state == Intake.State.APPLYING


def claim_eight(server: Installation) -> list[int]:
    """The numbers of the claims of eight workers who come for one snapshot."""
    commit_whole(server, LINES)
    pk = Intake.objects.get().pk
    return [found.claim for found in race(lambda _number: claims.claim(pk, NOW), before=INTAKE) if found]


def test_one_of_eight_workers_takes_a_snapshot(server: Installation) -> None:
    assert claim_eight(server) == [1]


@pytest.mark.postgres
def test_without_the_condition_all_eight_take_it(server: Installation) -> None:
    with without_condition(Intake):
        assert len(claim_eight(server)) == THREADS


def claim_by_two(server: Installation) -> list[int]:
    """A worker is paused while it takes a snapshot, until after its lease; return its claim, and the next one's."""
    commit_whole(server, LINES)
    pk = Intake.objects.get().pk
    found: list[Intake | None] = []

    def claim(at: datetime) -> None:
        found.append(claims.claim(pk, at))

    race(lambda _number: claim(NOW), before='SELECT "cloud_intake"."id"', meanwhile=lambda: claim(LATER))
    return sorted(one.claim for one in found if one)


@pytest.mark.postgres
def test_two_workers_never_hold_the_same_claim(server: Installation) -> None:
    assert claim_by_two(server) == [1, 2]


@pytest.mark.postgres
def test_without_the_transaction_they_do(server: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "transaction", SimpleNamespace(atomic=nullcontext))

    assert claim_by_two(server) == [2, 2]


def apply_behind(server: Installation) -> Intake:
    """A worker stands before the books while its lease ends and another one applies the snapshot."""
    commit_whole(server, LINES)
    pk = Intake.objects.get().pk

    race(
        lambda _number: intake.apply(pk, lambda: NOW),
        before='FROM "cloud_ledger" .*FOR NO KEY UPDATE',
        meanwhile=lambda: intake.apply(pk, lambda: LATER),
    )
    return Intake.objects.get()


@pytest.mark.postgres
def test_worker_that_was_overtaken_leaves_the_result(server: Installation) -> None:
    assert apply_behind(server).state == Intake.State.APPLIED


@pytest.mark.postgres
def test_without_the_fence_it_refuses_what_is_applied(server: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "mine", lambda late: Intake.objects.filter(pk=late.pk))

    assert apply_behind(server).state == Intake.State.REFUSED
    assert Installation.objects.get().revision == 1
