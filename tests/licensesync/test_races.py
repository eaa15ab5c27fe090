"""What only happens when several do the same at the same time, on real transactions."""

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest
from django.db import connection, connections
from django.db.models import Q

from licensesync import jobs, schedule, services
from licensesync.models import Schedule, SyncJob
from tests.factories import NOW
from tests.licensesync.world import World, make_world, ndjson, seat

THREADS = 8
ONE_ACTIVE = "sync_job_one_active_per_slot"

Result = TypeVar("Result")


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


def at_once(do: Callable[[], Result]) -> list[Result]:
    """Eight threads, each with its connection open, begin in the same moment; what fails, fails here."""
    barrier = threading.Barrier(THREADS)
    results: list[Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            results.append(do())
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if errors:
        raise errors[0]
    return results


def test_eight_people_press_sync_now_and_get_one_job(world: World) -> None:
    found = at_once(lambda: world.request().pk)

    assert len(set(found)) == 1
    assert SyncJob.objects.count() == 1


def test_without_the_constraint_they_would_get_several(world: World) -> None:
    """The control: looking first and inserting then is not enough."""
    both_looked = threading.Barrier(THREADS)
    constraint = next(one for one in SyncJob._meta.constraints if one.name == ONE_ACTIVE)

    def look_then_insert() -> None:
        is_free = not SyncJob.objects.active().filter(Q(slot=Schedule.Slot.SYNC)).exists()
        both_looked.wait(timeout=20)
        if is_free:
            jobs.create(
                connection=world.connection,
                kind=SyncJob.Kind.USAGE,
                trigger=SyncJob.Trigger.PERSON,
                by=None,
                at=NOW,
            )

    with connection.schema_editor() as editor:
        editor.remove_constraint(SyncJob, constraint)
    try:
        at_once(look_then_insert)
        made = SyncJob.objects.count()
        SyncJob.objects.all().delete()
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(SyncJob, constraint)

    assert made == THREADS


def test_eight_workers_claim_a_job_and_one_gets_it(world: World) -> None:
    job = world.request()

    claims = at_once(lambda: jobs.claim(job.pk, NOW))

    assert [claim for claim in claims if claim] == [jobs.Claim(job.pk, 1)]


def test_eight_ticks_at_once_make_one_job_per_slot(world: World) -> None:
    due = Schedule.objects.get(connection=world.connection, slot=Schedule.Slot.SYNC).next_run_at

    at_once(lambda: services.tick(due))

    assert sorted(SyncJob.objects.values_list("slot", flat=True)) == ["record", "sync"]
    assert Schedule.objects.get(slot=Schedule.Slot.SYNC).next_run_at == due + schedule.WEEK


def test_eight_imports_at_once_leave_one_whole_list(world: World) -> None:
    numbers = iter(range(THREADS))
    lock = threading.Lock()

    def import_own_list() -> None:
        with lock:
            number = next(numbers)
        seat(world.server, ndjson(range(1, 30), role=f"role{number}"), allow_shrink=True)

    at_once(import_own_list)

    assert world.server.seats.count() == 29
    assert len(set(world.server.seats.values_list("role", flat=True))) == 1


def test_cancel_and_commit_cannot_both_win(world: World) -> None:
    job = world.request()
    held = jobs.claim(job.pk, NOW)
    assert held
    order = iter([True, False] * THREADS)
    lock = threading.Lock()

    def try_one() -> str:
        with lock:
            is_cancel = next(order)
        if is_cancel:
            return "cancelled" if jobs.cancel(job.pk, NOW, code="cancelled_by_person") else ""
        try:
            jobs.advance(held, NOW, commit_sent_at=NOW)
        except jobs.ClaimLost:
            return ""
        return "committed"

    outcomes = set(at_once(try_one)) - {""}

    assert len(outcomes) == 1
