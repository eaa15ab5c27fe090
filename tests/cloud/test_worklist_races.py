"""The worklist when eight decide, or eight servers sync, at the same moment; and what would happen without the lock."""

import pytest
from django.db import IntegrityError

from cloud import intake
from cloud.models import Intake, Ledger, Saving, Suspect
from cloud.worklist import acting
from enterprises.models import AuditEvent
from tests.cloud.books import NOW, commit_whole, connect, import_members, lines_of, member, open_books, sync
from tests.cloud.pairs import note_pair
from tests.support.races import THREADS, race, without_lock

pytestmark = pytest.mark.django_db(transaction=True)

SUSPECT = 'UPDATE "cloud_suspect"'
COUNT = "INSERT INTO counted_person "
State = Suspect.State


@pytest.fixture
def ledger() -> Ledger:
    """Mona, and a server that knows her under another address."""
    ledger = open_books("octo")
    import_members(ledger, member(1, "mona", emails=[{"email": "mona@octo.example", "verified": True}]))
    sync_stranger(ledger, 0)
    return ledger


def sync_stranger(ledger: Ledger, number: int) -> None:
    """Another server sends an address that is nobody's."""
    sync(connect(ledger, f"ghes{number}.octo.example"), [(1, f"mona@home{number}.example")])
    ledger.refresh_from_db()


def pair(ledger: Ledger, number: int = 0) -> Suspect:
    return note_pair(ledger, "m:1", f"a:mona@home{number}.example")


def commit_correction(ledger: Ledger, number: int) -> int:
    """A server has sent a list with the fix, which a worker is to apply."""
    server = ledger.installations.get(hostname=f"ghes{number}.octo.example")
    commit_whole(server, lines_of([(1, "mona@octo.example")]))
    return Intake.objects.get(installation=server, state=Intake.State.APPLYING).pk


def dismiss_by_eight(ledger: Ledger) -> list[int]:
    """Eight owners dismiss one entry at once; return what each of them is told to have changed."""
    entry = pair(ledger).pk
    return race(
        lambda _number: acting.dismiss(ledger=ledger, entries=[entry], reason="different", by=None, at=NOW),
        before=SUSPECT,
    )


def test_entry_is_dismissed_once(ledger: Ledger) -> None:
    assert sum(dismiss_by_eight(ledger)) == 1
    assert AuditEvent.objects.filter(action="duplicate.dismiss").count() == 1


@pytest.mark.postgres
def test_without_the_lock_it_is_dismissed_eight_times(ledger: Ledger) -> None:
    with without_lock(Ledger):
        assert sum(dismiss_by_eight(ledger)) == THREADS


def dismiss_and_confirm(ledger: Ledger) -> tuple[int, int]:
    """Seven owners dismiss an entry while a sync confirms it; return how many did so, and how many savings it made."""
    entry, correction = pair(ledger).pk, commit_correction(ledger, 0)

    def act(number: int) -> int:
        if number:
            return acting.dismiss(ledger=ledger, entries=[entry], reason="different", by=None, at=NOW)
        intake.apply(correction, lambda: NOW)
        return 0

    dismissed = sum(race(act, before=SUSPECT))
    return dismissed, Saving.objects.filter(entries=1).count()


def test_entry_is_dismissed_or_confirmed(ledger: Ledger) -> None:
    assert sum(dismiss_and_confirm(ledger)) == 1


@pytest.mark.postgres
def test_without_the_lock_it_is_both(ledger: Ledger) -> None:
    with without_lock(Ledger):
        assert sum(dismiss_and_confirm(ledger)) > 1


def correct_on_eight(ledger: Ledger) -> int:
    """Eight servers bring the fix of an entry each at once; return how many licenses the books of savings say."""
    for number in range(1, THREADS):
        sync_stranger(ledger, number)
    for number in range(THREADS):
        pair(ledger, number)
    corrections = [commit_correction(ledger, number) for number in range(THREADS)]

    race(lambda number: intake.apply(corrections[number], lambda: NOW), before=COUNT, refusals=(IntegrityError,))

    return sum(Saving.objects.values_list("licenses", flat=True))


def test_eight_servers_at_once_prove_what_each_of_them_freed(ledger: Ledger) -> None:
    assert correct_on_eight(ledger) == THREADS

    ledger.refresh_from_db()
    assert ledger.consumed == 1
    assert set(Suspect.objects.values_list("state", "licenses_freed")) == {(State.CONFIRMED, 1)}
    assert len(set(Saving.objects.values_list("revision", flat=True))) == THREADS


@pytest.mark.postgres
def test_without_the_lock_savings_are_lost(ledger: Ledger) -> None:
    with without_lock(Ledger):
        assert correct_on_eight(ledger) < THREADS
