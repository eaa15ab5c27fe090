"""Runs that are interrupted, refused or overtaken: the next one goes on, or says why it cannot."""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import msgspec
import pytest
from requests import Response

from licensesync import jobs, services
from licensesync.models import SyncJob
from tests.licensesync.fake_cloud import KilledHere, answer, die, lose_connection, refusal
from tests.licensesync.world import World, ndjson, seat
from wire.messages import Problem, SyncStatus

State = SyncJob.State
STEPS = ("token", "open", "part", "commit", "status")


def killed(world: World, job: SyncJob) -> None:
    with pytest.raises(KilledHere):
        world.run(job)


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_worker_is_followed_by_one_that_goes_on(world: World, step: str, is_after: bool) -> None:
    world.cloud.polls_until_applied = 2
    world.cloud.fail(step, die, is_after=is_after)
    job = world.request()
    killed(world, job)
    job.refresh_from_db()
    frozen = job.sync_id

    world.clock.move(minutes=6)
    world.run(job)

    assert job.state == State.SUCCEEDED
    assert frozen in {None, job.sync_id}
    assert len(world.cloud.syncs) == 1
    assert world.cloud.revision == 1


def test_job_over_which_every_worker_dies_fails_at_last(world: World) -> None:
    """It must not read "syncing" for ever: it waits as after any failure, and a day later it is over."""
    job = world.request()
    world.cloud.on_request = lambda _step: die()
    began_at = world.clock.now
    for _death in range(5):
        killed(world, job)
        world.clock.move(minutes=6)

    world.run(job)
    assert (job.state, job.error_code) == (State.QUEUED, "internal_error")

    while job.is_active:
        assert world.clock.now - began_at < timedelta(days=2)
        world.clock.now = max(world.clock.now, job.not_before or world.clock.now)
        try:
            world.run(job)
        except KilledHere:
            world.clock.move(minutes=6)
            job.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAILED, "internal_error")


@pytest.mark.parametrize("is_after", [False, True], ids=["lost request", "lost answer"])
@pytest.mark.parametrize("step", STEPS)
def test_lost_connection_is_retried_with_the_same_bytes(world: World, step: str, is_after: bool) -> None:
    world.cloud.polls_until_applied = 2
    world.cloud.fail(step, lose_connection, is_after=is_after)
    job = world.sync()
    waiting = (job.state, job.is_waiting_to_retry, job.error_code)

    assert job.not_before is not None
    world.clock.now = job.not_before
    world.run(job)

    assert waiting == (State.QUEUED, True, "other")
    assert (job.state, job.error_code) == (State.SUCCEEDED, "")
    assert world.cloud.revision == 1


def test_lease_keeps_a_second_worker_away_until_it_ends(world: World) -> None:
    world.cloud.fail("open", die)
    job = world.request()
    killed(world, job)

    world.clock.move(minutes=4)
    world.run(job)
    meanwhile = job.state
    world.clock.move(minutes=2)
    world.run(job)

    assert (meanwhile, job.state) == (State.UPLOADING, State.SUCCEEDED)


def test_worker_that_lost_its_claim_stops_at_its_next_write(world: World) -> None:
    job = world.request()

    def be_overtaken(step: str) -> None:
        if step == "open" and world.cloud.seen.count("open") == 1:
            world.clock.move(minutes=6)
            assert jobs.claim(job.pk, world.clock.now)

    world.cloud.on_request = be_overtaken
    world.run(job)

    assert (job.state, job.claim) == (State.UPLOADING, 2)
    assert world.cloud.seen == ["token", "open"]


def _says(world: World, state: Literal["receiving", "refused"], **fields: Any) -> Response:
    """What the cloud says of the one sync that it knows."""
    (sync_id,) = world.cloud.syncs
    return answer(200, msgspec.to_builtins(SyncStatus(sync_id=sync_id, state=state, **fields)))


def test_snapshot_that_the_cloud_gave_up_is_replaced_by_a_new_one(world: World) -> None:
    world.cloud.polls_until_applied = 2
    gave_up = functools.partial(_says, world, "refused", problem=Problem(message="Later.", code="busy"))
    world.cloud.fail("status", gave_up)

    job = world.sync()

    given_up, applied = world.cloud.syncs
    assert (job.state, str(job.sync_id)) == (State.SUCCEEDED, applied)
    assert world.cloud.syncs[given_up].state != "applied"


@pytest.mark.parametrize("code", ["x" * 65, "a\0b", f"ghp_{'a' * 20}", f"lss_{'a' * 43}", "eyJh.eyJp.c2ln", "<b>", " "])
@pytest.mark.parametrize("step", ["status", "open"])
def test_job_ends_whatever_code_the_cloud_makes_up(step: str, code: str, world: World) -> None:
    """One that cannot be stored or audited would have it come back for ever."""
    world.cloud.polls_until_applied = 2
    made_up = Problem(message="No.\0" * 1000, code=code)
    refused = functools.partial(_says, world, "refused", problem=made_up)
    world.cloud.fail(step, refused if step == "status" else lambda: answer(422, msgspec.to_builtins(made_up)))

    job = world.sync()

    assert (job.state, job.error_code) == (State.FAILED, "unknown")


def test_disabled_after_the_commit_sends_nobody_even_when_the_cloud_asks(world: World) -> None:
    world.cloud.fail("commit", lose_connection)
    job = world.sync()
    services.set_license_sync(connection=world.connection, enabled=False, by=None, at=world.clock.now)
    world.cloud.fail("status", functools.partial(_says, world, "receiving", missing=(1,)))
    sent = world.cloud.seen.count("part")

    world.clock.move(hours=1)
    world.run(job)

    assert world.cloud.seen.count("part") == sent
    assert (job.state, job.error_code) == (State.CANCELLED, "sync_disabled")


def test_cancelled_while_uploading_is_never_committed(world: World) -> None:
    job = world.request()

    def cancel(step: str) -> None:
        if step == "part":
            services.cancel_sync(job=SyncJob.objects.get(pk=job.pk), by=None, at=world.clock.now)

    world.cloud.on_request = cancel
    world.run(job)

    assert (job.state, job.error_code, job.parts.count()) == (State.CANCELLED, "cancelled_by_person", 0)
    assert "commit" not in world.cloud.seen


def test_commit_that_was_sent_can_no_longer_be_cancelled(world: World) -> None:
    world.cloud.fail("commit", lose_connection, is_after=True)
    job = world.sync()

    with pytest.raises(services.CannotCancel):
        services.cancel_sync(job=job, by=None, at=world.clock.now)


def test_ids_without_an_answer_are_named_at_the_next_opening(world: World) -> None:
    world.cloud.fail("open", lose_connection, is_after=True)
    lost = world.sync()
    services.cancel_sync(job=lost, by=None, at=world.clock.now)

    job = world.sync()

    assert world.cloud.syncs[str(job.sync_id)].opening.unanswered == (str(lost.sync_id),)
    assert world.sync().unanswered == []


@pytest.mark.parametrize("code", ["superseded", "unknown_sync", "sync_id_reused"])
def test_snapshot_that_is_of_no_use_any_more_gives_way_to_a_new_one(world: World, code: str) -> None:
    world.cloud.fail("commit", lambda: refusal(409, code))

    job = world.sync()

    assert (job.state, len(world.cloud.syncs)) == (State.SUCCEEDED, 2)
    assert job.events.filter(event="began_anew", data__code=code).exists()


def test_cloud_that_always_makes_us_begin_anew_is_tried_again_later(world: World) -> None:
    for number in (1, 2, 3):
        world.cloud.fail("commit", lambda: refusal(409, "superseded"), number=number)

    job = world.sync()

    assert (job.state, job.error_code, job.is_waiting_to_retry) == (State.QUEUED, "superseded", True)


def test_expired_snapshot_is_frozen_again(world: World) -> None:
    world.cloud.fail("open", lose_connection, is_after=True)
    job = world.sync()
    first = job.sync_id
    world.cloud.syncs[str(first)].state = "expired"
    assert job.not_before is not None
    world.clock.now = job.not_before

    world.run(job)

    assert job.state == State.SUCCEEDED
    assert job.sync_id != first


def test_reconnecting_makes_a_waiting_snapshot_begin_anew(world: World) -> None:
    world.cloud.fail("part", lose_connection)
    job = world.sync()
    first = job.sync_id
    world.connection.base_revision, world.connection.base_snapshot_id = 7, first
    world.connection.save()
    assert job.not_before is not None
    world.clock.now = job.not_before

    world.run(job)

    assert job.sync_id != first
    assert job.base_revision == 7


def test_retry_sends_the_frozen_bytes_though_the_seats_changed(world: World) -> None:
    world.cloud.fail("part", lose_connection)
    job = world.sync()
    seat(world.server, ndjson([9]), partial=True)
    assert job.not_before is not None
    world.clock.now = job.not_before

    world.run(job)

    assert (job.state, job.accounts, world.cloud.lines.count(b"\n")) == (State.SUCCEEDED, 3, 3)


def test_slow_cloud_gives_the_worker_back_and_gets_another_turn(world: World) -> None:
    world.cloud.polls_until_applied = 12
    job = world.request()

    turns = [world.turn(job)]
    job.refresh_from_db()
    resting = (job.state, job.lease_until, job.attempts, job.error_code)
    while turns[-1]:
        turns.append(world.turn(job))

    job.refresh_from_db()
    assert resting == (State.APPLYING, None, 0, "")
    assert (turns, job.state) == ([True, True, False], State.SUCCEEDED)
    assert max(world.waited) <= 2


@pytest.mark.parametrize(
    ("happen", "code"),
    [
        (lambda: answer(503), "server_error"),
        (lambda: refusal(503, "busy"), "busy"),
        (lambda: answer(429), "rate_limited"),
        (lambda: refusal(422, "part_digest"), "part_digest"),
    ],
)
def test_what_passes_is_retried(world: World, happen: Callable[[], Response], code: str) -> None:
    world.cloud.fail("part", happen)

    job = world.sync()

    assert (job.state, job.error_code) == (State.QUEUED, code)
    assert job.not_before is not None
    assert job.not_before > world.clock.now


def test_cloud_may_ask_for_a_longer_pause(world: World) -> None:
    world.cloud.fail("open", lambda: answer(429, None, **{"Retry-After": "1800"}))

    job = world.sync()

    assert job.not_before is not None
    assert (job.not_before - world.clock.now).total_seconds() == 1800


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (404, "installation_gone"),
        (409, "revision_conflict"),
        (409, "hostname_changed"),
        (409, "shrink_unconfirmed"),
        (422, "digest_mismatch"),
        (422, "part_invalid"),
        (422, "unsupported_format"),
    ],
)
def test_what_does_not_pass_fails_with_its_code(world: World, status: int, code: str) -> None:
    world.cloud.fail("open", lambda: refusal(status, code))

    job = world.sync()

    assert (job.state, job.error_code, job.parts.count()) == (State.FAILED, code, 0)
    assert job.finished_at == world.clock.now


def test_credentials_that_stay_refused_fail(world: World) -> None:
    for number in (1, 2):
        world.cloud.fail("open", lambda: refusal(401, "bad_credentials"), number=number)

    assert world.sync().error_code == "not_authorized"


def test_sync_disabled_meanwhile_keeps_people_at_home(world: World) -> None:
    world.cloud.fail("part", lose_connection)
    job = world.sync()
    world.connection.license_sync_enabled_at = None
    world.connection.save()
    assert job.not_before is not None
    world.clock.now = job.not_before
    sent = len(world.cloud.seen)

    world.run(job)

    assert (job.state, job.error_code) == (State.CANCELLED, "sync_disabled")
    assert world.cloud.seen[sent:] == ["token", "withdraw"]


def test_disconnected_meanwhile_ends_the_job(world: World) -> None:
    job = world.request()
    type(world.connection).objects.update(state="disconnected", license_sync_enabled_at=None)

    world.run(job)

    assert (job.state, job.error_code, world.cloud.seen) == (State.CANCELLED, "not_connected", [])


def test_surprise_is_retried_for_about_a_day_and_then_left_to_people(world: World) -> None:
    def break_it() -> Response:
        raise ZeroDivisionError

    for number in range(1, 20):
        world.cloud.fail("open", break_it, number=number)
    job = world.sync()
    attempts = 1
    while job.is_active:
        assert job.error_code == "internal_error"
        assert job.not_before is not None
        world.clock.now = job.not_before
        world.run(job)
        attempts += 1

    assert (job.state, job.error_code) == (State.FAILED, "internal_error")
    assert 11 <= attempts <= 15
    assert job.started_at
    assert job.finished_at
    assert timedelta(hours=18) < job.finished_at - job.started_at <= timedelta(hours=24)
