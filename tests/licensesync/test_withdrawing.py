"""A job that ends early: it ends at once, and no part of it stays behind on the cloud or here."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from connect.models import Connection
from licensesync import jobs, services
from licensesync.models import SyncJob, SyncPart
from tests.licensesync.fake_cloud import answer, lose_connection, refusal
from tests.licensesync.world import World

State = SyncJob.State


def interrupted(world: World, step: str = "commit") -> SyncJob:
    """A job whose part is on the cloud, and which will be tried again."""
    world.cloud.fail(step, lose_connection, is_after=step == "part")
    job = world.sync()
    SyncJob.objects.update(commit_sent_at=None)
    return job


def kept_on_the_cloud(world: World) -> int:
    return sum(len(kept.parts) for kept in world.cloud.syncs.values())


def disable(world: World, _job: SyncJob) -> None:
    services.set_license_sync(connection=world.connection, enabled=False, by=None, at=world.clock.now)


def cancel(world: World, job: SyncJob) -> None:
    services.cancel_sync(job=SyncJob.objects.get(pk=job.pk), by=None, at=world.clock.now)


@pytest.mark.parametrize("end", [disable, cancel])
def test_ended_between_two_attempts_is_withdrawn_by_the_worker_that_is_woken(
    world: World, end: Callable[[World, SyncJob], None]
) -> None:
    job = interrupted(world, "part")
    end(world, job)
    assert kept_on_the_cloud(world) == 1

    world.run(job)

    assert (job.state, kept_on_the_cloud(world)) == (State.CANCELLED, 0)
    assert not SyncPart.objects.exists()


@pytest.mark.parametrize("end", [disable, cancel])
def test_ended_under_a_workers_hands_is_withdrawn_by_that_worker(
    world: World, end: Callable[[World, SyncJob], None]
) -> None:
    job = world.request()
    world.cloud.on_request = lambda step: end(world, job) if step == "part" else None

    world.run(job)

    assert (job.state, kept_on_the_cloud(world)) == (State.CANCELLED, 0)
    assert world.cloud.seen[-1] == "withdraw"


def test_failed_for_good_is_withdrawn(world: World) -> None:
    world.cloud.fail("part", lambda: refusal(413, ""), is_after=True)

    job = world.sync()

    assert (job.state, job.error_code, kept_on_the_cloud(world)) == (State.FAILED, "payload_too_large", 0)


def test_older_cloud_that_cannot_be_told_changes_nothing(world: World) -> None:
    world.cloud.fail("part", lambda: refusal(413, ""))
    world.cloud.fail("withdraw", lambda: answer(405, {"message": "Method Not Allowed"}))

    job = world.sync()

    assert (job.state, job.error_code) == (State.FAILED, "payload_too_large")


def test_never_opened_is_not_withdrawn(world: World) -> None:
    job = world.request()
    cancel(world, job)

    world.run(job)

    assert world.cloud.seen == []


def test_waiting_for_its_next_attempt_is_not_withdrawn(world: World) -> None:
    job = interrupted(world)

    world.run(job)

    assert (job.state, kept_on_the_cloud(world)) == (State.QUEUED, 1)


def test_disabling_connect_ends_even_a_committed_job_at_once(world: World) -> None:
    world.cloud.fail("commit", lose_connection)
    job = world.sync()
    Connection.objects.update(app_key="")

    services.disconnect(connection=world.connection, by=None, at=world.clock.now, even_if_unreachable=True)

    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.CANCELLED, "not_connected")
    assert not SyncPart.objects.exists()


def test_part_that_is_gone_with_its_job_is_no_surprise(world: World, caplog: pytest.LogCaptureFixture) -> None:
    job = world.request()

    def cancel_first(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql.startswith("SELECT") and "licensesync_syncpart" in sql and '"body"' in sql:
            jobs.cancel(job.pk, world.clock.now, code="cancelled_by_person")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cancel_first), caplog.at_level(logging.WARNING):
        world.run(job)

    assert job.state == State.CANCELLED
    assert caplog.records == []
