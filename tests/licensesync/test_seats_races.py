"""A server's seats and license when eight write them at the same moment, and what would happen without the lock."""

import io
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from connect.models import Server
from enterprises.models import AuditEvent
from licensesync import services, snapshot
from licensesync.models import License, Schedule, SeatSource, SyncJob
from tests.factories import NOW
from tests.licensesync.world import World, make_world, ndjson, seat
from tests.support.races import THREADS, race, without_lock

ACCOUNTS = 5
LATER = NOW + timedelta(hours=1)
WRITE_SEATS = 'INSERT INTO "?licensesync_seat"? '
READ_LINES = r'SELECT "licensesync_seat"\."line"'
WRITE_LICENSE = '(UPDATE|INSERT INTO) "licensesync_license"'


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world(accounts=0)


def import_eight(world: World) -> int:
    """Eight complete lists that share nobody; return how many accounts are held then."""

    def act(number: int) -> None:
        first = 1 + number * ACCOUNTS
        seat(world.server, ndjson(range(first, first + ACCOUNTS)), allow_shrink=True)

    race(act, before=WRITE_SEATS)
    return world.server.seats.count()


def test_eight_imports_leave_the_last_list_whole(world: World) -> None:
    assert import_eight(world) == ACCOUNTS
    assert SeatSource.objects.get().accounts == ACCOUNTS


@pytest.mark.postgres
def test_without_the_lock_they_leave_a_mixture(world: World) -> None:
    with without_lock(Server):
        assert import_eight(world) == THREADS * ACCOUNTS


def freeze(world: World) -> tuple[datetime, int]:
    """Take a snapshot; return the time of the list that it says it is of, and how many accounts it holds."""
    job = SyncJob.objects.create(
        connection=world.connection,
        slot=Schedule.Slot.SYNC,
        kind=SyncJob.Kind.USAGE,
        trigger=SyncJob.Trigger.PERSON,
        state=SyncJob.State.FAILED,
        created_at=NOW,
        finished_at=NOW,
    )
    with transaction.atomic():
        frozen = snapshot.freeze(job.pk, world.server)
    return frozen.taken_at, frozen.accounts


def freeze_while_importing(world: World) -> set[object]:
    """Eight snapshots of two accounts are taken while a younger list of three comes in."""
    seat(world.server, ndjson([1, 2]))

    def replace() -> None:
        services.import_seats(server=world.server, stream=io.BytesIO(ndjson([1, 2, 3])), by=None, at=LATER)

    return set(race(lambda _number: freeze(world), before=READ_LINES, meanwhile=replace))


def test_snapshots_are_of_one_list(world: World) -> None:
    assert freeze_while_importing(world) <= {(NOW, 2), (LATER, 3)}


@pytest.mark.postgres
def test_without_the_lock_they_call_new_accounts_old(world: World) -> None:
    with without_lock(Server):
        assert freeze_while_importing(world) == {(NOW, 3)}


def license_eight(world: World) -> list[tuple[int | None, int]]:
    """Eight owners write the license down for the first time; return what each of them changed to what."""

    def act(number: int) -> None:
        services.set_license(server=world.server, customer="Octo", seats=number, by=None, at=NOW)

    race(act, before=WRITE_LICENSE)
    events = AuditEvent.objects.filter(action="license.update").order_by("pk")
    return [((event.before or {}).get("seats"), (event.after or {})["seats"]) for event in events]


def test_eight_licenses_follow_each_other(world: World) -> None:
    changes = license_eight(world)

    assert [before for before, _after in changes] == [None, *(after for _before, after in changes)][:-1]
    assert License.objects.get().seats == changes[-1][1]


@pytest.mark.postgres
def test_without_the_lock_each_is_the_first(world: World) -> None:
    with without_lock(Server), pytest.raises(IntegrityError):
        license_eight(world)
