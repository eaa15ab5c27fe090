"""When weekly runs are due, and that each of them makes one job."""

import uuid
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enterprises.models import AuditEvent
from licensesync import services
from licensesync.models import Schedule, SyncJob
from licensesync.syncing import schedule
from tests.factories import NOW
from tests.licensesync.fake_cloud import lose_connection
from tests.licensesync.world import World, make_world

Slot = Schedule.Slot
WEEK = timedelta(days=7)


def planned(world: World, slot: Schedule.Slot = Slot.SYNC) -> Schedule:
    return Schedule.objects.get(connection=world.connection, slot=slot)


def jobs_of(world: World, slot: Schedule.Slot = Slot.SYNC) -> list[SyncJob]:
    return list(SyncJob.objects.filter(connection=world.connection, slot=slot).order_by("pk"))


@given(server_id=st.uuids())
def test_first_sync_is_due_within_ten_minutes_at_a_time_of_the_servers_own(server_id: uuid.UUID) -> None:
    first = schedule.first_run_at(Slot.SYNC, NOW, server_id)

    assert timedelta() <= first - NOW < timedelta(minutes=10)
    assert first == schedule.first_run_at(Slot.SYNC, NOW, server_id)


def test_jitter_is_sha256_of_the_server_id_modulo_ten_minutes() -> None:
    assert schedule.jitter(uuid.UUID("00000000-0000-0000-0000-000000000001")) == timedelta(seconds=82)


@given(begins=st.integers(0, 10**9), late=st.timedeltas(min_value=timedelta(), max_value=timedelta(days=1000)))
def test_next_run_is_the_first_whole_week_that_is_not_over(begins: int, late: timedelta) -> None:
    run_at = NOW + timedelta(seconds=begins)

    following = schedule.next_run_after(run_at, run_at + late)

    assert run_at + late < following <= run_at + late + WEEK
    assert (following - run_at) % WEEK == timedelta()


def test_enabling_plans_the_first_sync_and_its_run_makes_one_job(world: World) -> None:
    first = planned(world).next_run_at

    before = services.tick(first - timedelta(seconds=1))
    services.tick(first)
    services.tick(first + timedelta(minutes=1))

    assert first == NOW + schedule.jitter(world.server.server_id)
    assert before == 1  # the record, due at once
    assert [job.trigger for job in jobs_of(world)] == [SyncJob.Trigger.SCHEDULE]
    assert planned(world).next_run_at == first + WEEK


def test_runs_missed_while_down_are_caught_up_once(world: World) -> None:
    first = planned(world).next_run_at
    later = first + timedelta(days=24)

    services.tick(later)
    services.tick(later)

    assert len(jobs_of(world)) == 1
    assert planned(world).next_run_at == first + 4 * WEEK


def test_weekly_run_wakes_the_job_that_waits_to_be_retried(world: World) -> None:
    world.cloud.fail("open", lose_connection)
    job = world.sync()
    SyncJob.objects.filter(pk=job.pk).update(not_before=world.clock.now + timedelta(days=30))
    due = planned(world).next_run_at

    services.tick(due)

    job.refresh_from_db()
    assert jobs_of(world) == [job]
    assert job.not_before == due


def test_weekly_run_is_not_skipped_for_a_preview(world: World) -> None:
    world.request(kind=SyncJob.Kind.PREVIEW)

    services.tick(planned(world).next_run_at)

    assert [(job.kind, job.is_active) for job in jobs_of(world)] == [
        (SyncJob.Kind.PREVIEW, False),
        (SyncJob.Kind.USAGE, True),
    ]


def test_record_is_due_at_connecting_and_weekly_from_there(db: None) -> None:
    world = make_world(is_enabled=False)

    services.tick(NOW + timedelta(minutes=1))

    assert [job.kind for job in jobs_of(world, Slot.RECORD)] == [SyncJob.Kind.RECORD]
    assert planned(world, Slot.RECORD).next_run_at == NOW + WEEK
    assert not Schedule.objects.filter(slot=Slot.SYNC).exists()


def test_disabling_forgets_the_weekly_sync_and_keeps_the_record(world: World) -> None:
    services.tick(NOW)

    services.set_license_sync(connection=world.connection, enabled=False, by=None, at=NOW)
    services.tick(NOW)

    assert list(Schedule.objects.values_list("slot", flat=True)) == [Slot.RECORD]


def test_disconnecting_elsewhere_ends_schedules_and_jobs_at_the_next_tick(world: World) -> None:
    job = world.request()
    services.tick(NOW)
    type(world.connection).objects.update(state="disconnected", license_sync_enabled_at=None)

    services.tick(NOW)

    job.refresh_from_db()
    assert (job.state, job.error_code) == (SyncJob.State.CANCELLED, "not_connected")
    assert not Schedule.objects.exists()


def test_connecting_again_begins_new_weeks(world: World) -> None:
    services.tick(NOW)
    again = NOW + timedelta(days=3, hours=5)
    type(world.connection).objects.update(connected_at=again)

    services.tick(again)

    assert planned(world, Slot.RECORD).next_run_at == again + WEEK


def test_scheduled_sync_is_audited_as_the_systems_own(world: World) -> None:
    services.tick(planned(world).next_run_at)

    event = AuditEvent.objects.get(action="license_sync.requested")
    assert (event.actor_name, event.after) == ("system", {"trigger": "schedule"})


def test_tick_sends_again_what_nobody_holds_and_nothing_else(world: World) -> None:
    services.tick(NOW)
    job = world.request()
    lost = services.tick(NOW)
    SyncJob.objects.filter(pk=job.pk).update(lease_until=NOW + timedelta(minutes=5))
    held = services.tick(NOW)

    assert lost - held == 1


@pytest.mark.parametrize(("is_due", "most"), [(False, 13), (True, 29)])
def test_tick_asks_the_database_a_bounded_number_of_times(
    world: World, is_due: bool, most: int, django_assert_max_num_queries: object
) -> None:
    """Whatever the server's own delay is."""
    services.tick(NOW)
    due_at = planned(world).next_run_at
    services.tick(due_at)

    with django_assert_max_num_queries(most):  # type: ignore[operator]
        services.tick(due_at + (WEEK if is_due else timedelta()))
