"""Jobs and schedules when eight come at the same moment, and what would happen without each guard."""

from collections.abc import Callable
from datetime import datetime

import pytest

from connect import transitions
from connect.models import Connection
from enterprises.models import AuditEvent
from licensesync import jobs, services
from licensesync.jobs import Claim, ClaimLost
from licensesync.models import Schedule, SyncJob
from licensesync.syncing import outcomes, schedule
from tests.factories import NOW
from tests.licensesync.world import World, make_world
from tests.support.races import THREADS, race, without_condition, without_unique

NEW_JOB = 'INSERT INTO "licensesync_syncjob" '
JOB = 'UPDATE "licensesync_syncjob"'
SCHEDULE = 'UPDATE "licensesync_schedule"'
CONNECTION = 'UPDATE "connect_connection"'
LATER = NOW + 2 * jobs.LEASE


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.fixture
def held(world: World) -> Claim:
    """A worker's hold on a sync."""
    found = jobs.claim(world.request().pk, NOW)
    assert found
    return found


def take_over(job_id: int) -> Callable[[], object]:
    """Another worker gets the job after the lease."""
    return lambda: jobs.claim(job_id, LATER)


def test_eight_people_press_sync_now_and_get_one_job(world: World) -> None:
    found = race(lambda _number: world.request().pk, before=NEW_JOB)

    assert set(found) == {SyncJob.objects.get().pk}


@pytest.mark.postgres
def test_without_the_constraint_they_get_eight_jobs(world: World) -> None:
    with without_unique(SyncJob, "sync_job_one_active_per_slot"):
        found = race(lambda _number: world.request().pk, before=NEW_JOB)

    assert len(set(found)) == THREADS


def test_eight_workers_claim_a_job_and_one_gets_it(world: World) -> None:
    job = world.request()

    claims = race(lambda _number: jobs.claim(job.pk, NOW), before=JOB)

    assert [claim for claim in claims if claim] == [Claim(job.pk, 1)]


@pytest.mark.postgres
def test_without_the_condition_all_eight_claim_it(world: World) -> None:
    job = world.request()

    with without_condition(SyncJob):
        claims = race(lambda _number: jobs.claim(job.pk, NOW), before=JOB)

    assert set(claims) == {Claim(job.pk, number) for number in range(1, THREADS + 1)}


def wake_eight(world: World) -> int:
    """A job waits for an hour, and eight people press Sync now; return how many of them woke it."""
    job = world.request()
    SyncJob.objects.update(not_before=LATER)

    return race(lambda _number: jobs.wake(job.pk, NOW), before=JOB).count(True)


def test_job_that_waits_is_woken_once(world: World) -> None:
    assert wake_eight(world) == 1


@pytest.mark.postgres
def test_without_the_condition_it_is_woken_eight_times(world: World) -> None:
    with without_condition(SyncJob):
        assert wake_eight(world) == THREADS


def finish(held: Claim) -> None:
    jobs.advance(held, NOW, accounts=7)


def test_worker_that_was_overtaken_writes_nothing(held: Claim) -> None:
    lost = race(lambda _number: finish(held), before=JOB, meanwhile=take_over(held.job_id), refusals=(ClaimLost,))

    assert [type(one) for one in lost] == [ClaimLost] * THREADS
    assert SyncJob.objects.get().accounts == 0


@pytest.mark.postgres
def test_without_the_fence_it_writes(held: Claim) -> None:
    with without_condition(SyncJob):
        race(lambda _number: finish(held), before=JOB, meanwhile=take_over(held.job_id))

    assert (SyncJob.objects.get().claim, SyncJob.objects.get().accounts) == (2, 7)


def cancel_or_commit(held: Claim) -> Callable[[int], str]:
    """Half of the eight cancel the job, the others ask the cloud to apply it."""

    def act(number: int) -> str:
        if number % 2:
            return "cancelled" if jobs.cancel(held.job_id, NOW, code="cancelled_by_person") else ""
        try:
            jobs.advance(held, NOW, commit_sent_at=NOW)
        except ClaimLost:
            return ""
        return "committed"

    return act


def test_cancel_and_commit_do_not_both_win(held: Claim) -> None:
    outcomes = set(race(cancel_or_commit(held), before=JOB)) - {""}

    assert len(outcomes) == 1


@pytest.mark.postgres
def test_without_the_conditions_a_committed_job_is_cancelled(held: Claim) -> None:
    with without_condition(SyncJob):
        outcomes = set(race(cancel_or_commit(held), before=JOB))

    assert outcomes == {"cancelled", "committed"}


def overtake_preview(world: World) -> SyncJob:
    """A preview is under way, ends in the moment in which eight want to sync; return it."""
    preview = world.request(kind=SyncJob.Kind.PREVIEW)
    claim = jobs.claim(preview.pk, NOW)
    assert claim
    race(
        lambda _number: world.request(),
        before=f'{JOB} SET "state" = .*"error_code"',
        meanwhile=lambda: jobs.finish(claim, NOW, SyncJob.State.SUCCEEDED),
    )
    preview.refresh_from_db()
    return preview


def test_preview_that_ended_is_not_cancelled_any_more(world: World) -> None:
    assert overtake_preview(world).state == SyncJob.State.SUCCEEDED
    assert SyncJob.objects.filter(kind=SyncJob.Kind.USAGE).count() == 1


@pytest.mark.postgres
def test_without_the_condition_it_is(world: World) -> None:
    with without_condition(SyncJob):
        preview = overtake_preview(world)

    assert preview.state == SyncJob.State.CANCELLED


def due(world: World) -> datetime:
    return Schedule.objects.get(connection=world.connection, slot=Schedule.Slot.SYNC).next_run_at


def test_eight_ticks_at_once_start_a_run_once(world: World) -> None:
    at = due(world)
    Schedule.objects.filter(slot=Schedule.Slot.RECORD).delete()

    started = race(lambda _number: schedule.start_due(at), before=SCHEDULE)

    assert [one for one in started if one] == [[SyncJob.objects.get().pk]]
    assert due(world) == at + schedule.WEEK


@pytest.mark.postgres
def test_without_the_condition_eight_ticks_start_it(world: World) -> None:
    at = due(world)
    Schedule.objects.filter(slot=Schedule.Slot.RECORD).delete()

    with without_condition(Schedule):
        started = race(lambda _number: schedule.start_due(at), before=SCHEDULE)

    assert len([one for one in started if one]) == THREADS


NEW_SCHEDULE = 'INSERT INTO "licensesync_schedule"'


def test_eight_ticks_at_once_plan_a_slot_once(world: World) -> None:
    Schedule.objects.all().delete()

    race(lambda _number: schedule.put_right(), before=NEW_SCHEDULE)

    assert sorted(Schedule.objects.values_list("slot", flat=True)) == ["record", "sync"]


@pytest.mark.postgres
def test_without_the_constraint_it_is_planned_eight_times(world: World) -> None:
    Schedule.objects.all().delete()

    with without_unique(Schedule, "schedule_connection_slot"):
        race(lambda _number: schedule.plan(world.connection, Schedule.Slot.SYNC, NOW), before=NEW_SCHEDULE)
        assert Schedule.objects.count() == THREADS


def enable(world: World) -> int:
    """Eight owners enable license sync; return how many of them did it."""
    services.set_license_sync(connection=world.connection, enabled=False, by=None, at=NOW)
    before = AuditEvent.objects.count()

    def act(_number: int) -> bool:
        own = Connection.objects.select_related("server__enterprise").get()
        return services.set_license_sync(connection=own, enabled=True, by=None, at=NOW)

    won = race(act, before=CONNECTION).count(True)
    assert AuditEvent.objects.count() - before == won
    return won


def test_license_sync_is_enabled_once(world: World) -> None:
    assert enable(world) == 1


@pytest.mark.postgres
def test_without_the_condition_it_is_enabled_eight_times(world: World) -> None:
    with without_condition(Connection):
        assert enable(world) == THREADS


def request_behind_disable(world: World) -> SyncJob:
    """Eight ask for a sync, and are overtaken by somebody who disables license sync; a worker then runs the job."""

    def disable() -> None:
        own = Connection.objects.select_related("server__enterprise").get()
        services.set_license_sync(connection=own, enabled=False, by=None, at=NOW)

    race(lambda _number: world.request(), before=NEW_JOB, meanwhile=disable, refusals=(services.SyncDisabled,))
    # Beside it stands the record that tells the cloud so, which is not about people.
    syncs = SyncJob.objects.filter(slot=Schedule.Slot.SYNC)
    for job in syncs.active():
        world.run(job)
    return syncs.get()


@pytest.mark.postgres
def test_sync_requested_behind_a_disable_sends_nothing(world: World) -> None:
    assert request_behind_disable(world).error_code == "sync_disabled"
    assert not world.cloud.seen


@pytest.mark.postgres
def test_without_the_second_look_it_sends_everybody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "refuse_unless_allowed", lambda job: None)

    assert request_behind_disable(world).state == SyncJob.State.SUCCEEDED


def settle_for_another(world: World) -> Connection:
    """The server is disconnected and connected anew while a run of the old connection writes its receipt down."""
    job = world.request()

    def reconnect() -> None:
        transitions.end(Connection.objects.get(), cloud="deleted", by=None, at=NOW, ip="")
        Connection.objects.update(state=Connection.State.CONNECTED, app_id=21, installation_id=22)

    race(lambda _number: world.turn(job), before=f'{CONNECTION} SET "base_revision"', meanwhile=reconnect)
    return Connection.objects.get()


@pytest.mark.postgres
def test_receipt_of_an_older_connection_is_not_built_on(world: World) -> None:
    assert settle_for_another(world).base_revision is None


@pytest.mark.postgres
def test_without_the_condition_it_is_built_on(world: World) -> None:
    with without_condition(Connection):
        assert settle_for_another(world).base_revision == 1
