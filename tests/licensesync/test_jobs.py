"""Claims, leases and the one active job per slot."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from licensesync import jobs
from licensesync.jobs import LEASE, ClaimLost
from licensesync.models import Schedule, SyncJob
from tests.factories import NOW
from tests.licensesync.world import World

State = SyncJob.State


def new_job(world: World, kind: SyncJob.Kind = SyncJob.Kind.USAGE) -> SyncJob:
    job, _is_new = jobs.create(connection=world.connection, kind=kind, trigger=SyncJob.Trigger.PERSON, by=None, at=NOW)
    return job


def test_claim_is_given_once_until_the_lease_ends(world: World) -> None:
    job = new_job(world)

    first = jobs.claim(job.pk, NOW)
    second = jobs.claim(job.pk, NOW + LEASE)
    third = jobs.claim(job.pk, NOW + LEASE + timedelta(seconds=1))

    assert first == jobs.Claim(job.pk, 1)
    assert second is None
    assert third == jobs.Claim(job.pk, 2)


def test_job_is_not_claimed_before_its_time(world: World) -> None:
    job = new_job(world)
    SyncJob.objects.filter(pk=job.pk).update(not_before=NOW + timedelta(minutes=1))

    assert jobs.claim(job.pk, NOW) is None
    assert jobs.claim(job.pk, NOW + timedelta(minutes=1)) is not None


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_job_that_is_over_is_never_claimed_nor_written(world: World, state: SyncJob.State) -> None:
    job = new_job(world)
    held = jobs.claim(job.pk, NOW)
    assert held
    jobs.finish(held, NOW, state)

    assert jobs.claim(job.pk, NOW + timedelta(hours=1)) is None
    with pytest.raises(ClaimLost):
        jobs.advance(held, NOW, state=State.UPLOADING)


def test_every_write_of_a_lost_claim_is_refused(world: World) -> None:
    job = new_job(world)
    lost = jobs.claim(job.pk, NOW)
    assert lost
    jobs.claim(job.pk, NOW + timedelta(minutes=6))

    writes: list[Callable[[], None]] = [
        lambda: jobs.advance(lost, NOW),
        lambda: jobs.give_back(lost, not_before=NOW),
        lambda: jobs.retry_later(lost, NOW, not_before=NOW, code="dns", error=""),
        lambda: jobs.begin_anew(lost, NOW, "superseded"),
        lambda: jobs.finish(lost, NOW, State.SUCCEEDED),
    ]
    for write in writes:
        with pytest.raises(ClaimLost):
            write()
    job.refresh_from_db()
    assert (job.state, job.claim, list(job.events.values_list("event", flat=True))) == (
        State.QUEUED,
        2,
        ["requested", "attempt", "attempt"],
    )


def test_second_request_gets_the_active_job(world: World) -> None:
    first = new_job(world)

    second, is_new = jobs.create(
        connection=world.connection, kind=SyncJob.Kind.PREVIEW, trigger=SyncJob.Trigger.PERSON, by=None, at=NOW
    )

    assert (second.pk, is_new) == (first.pk, False)


def test_record_has_a_slot_of_its_own(world: World) -> None:
    sync = new_job(world)
    record = new_job(world, SyncJob.Kind.RECORD)

    assert (sync.slot, record.slot) == (Schedule.Slot.SYNC, Schedule.Slot.RECORD)


def test_database_itself_refuses_a_second_active_job(world: World) -> None:
    job = new_job(world)
    job.pk = None

    with pytest.raises(IntegrityError), transaction.atomic():
        job.save(force_insert=True)


def test_waking_ends_only_the_waiting_of_a_retry(world: World) -> None:
    job = new_job(world)
    not_waiting = jobs.wake(job.pk, NOW)
    held = jobs.claim(job.pk, NOW)
    assert held
    while_working = jobs.wake(job.pk, NOW)
    jobs.retry_later(held, NOW, not_before=NOW + timedelta(hours=1), code="dns", error="")

    assert (not_waiting, while_working, jobs.wake(job.pk, NOW)) == (False, False, True)
    assert jobs.claim(job.pk, NOW) is not None


def test_finished_job_has_a_time(world: World) -> None:
    job = new_job(world)

    with pytest.raises(IntegrityError), transaction.atomic():
        SyncJob.objects.filter(pk=job.pk).update(state=State.SUCCEEDED)


def test_a_job_that_was_just_picked_up_is_not_waiting_to_retry(world: World) -> None:
    job = new_job(world)

    jobs.claim(job.pk, NOW)

    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert not job.is_waiting_to_retry


def test_a_failed_attempt_is_waiting_to_retry_until_it_is_picked_up_again(world: World) -> None:
    job = new_job(world)
    held = jobs.claim(job.pk, NOW)
    assert held is not None
    jobs.retry_later(held, NOW, not_before=NOW, code="timeout", error="")
    job.refresh_from_db()
    waited = job.is_waiting_to_retry

    jobs.claim(job.pk, NOW)

    job.refresh_from_db()
    assert (waited, job.is_waiting_to_retry) == (True, False)
