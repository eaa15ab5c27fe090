"""What the server's console keeps goes with the beat when its time is over, and not a minute before."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from connect.models import Connection
from connect.transitions import abandon, split_off
from enterprises.models import User
from licensesync import jobs
from licensesync.beat import tick
from licensesync.models import Seat, SyncJob, SyncJobEvent, SyncPart
from tests.factories import make_role
from tests.licensesync.world import World, ndjson, seat

A_MINUTE = timedelta(minutes=1)
KEPT = timedelta(days=400)
PREVIEW, RECORD, USAGE = SyncJob.Kind.PREVIEW, SyncJob.Kind.RECORD, SyncJob.Kind.USAGE


def beat(at: datetime) -> None:
    with time_machine.travel(at, tick=False):
        tick.apply(throw=True)


def over(world: World, at: datetime, state: SyncJob.State = SyncJob.State.FAILED, kind: SyncJob.Kind = USAGE) -> int:
    """A job that ended at that time, with an event."""
    job = SyncJob.objects.create(
        connection=world.connection,
        slot=jobs.SLOTS[kind],
        kind=kind,
        state=state,
        trigger=SyncJob.Trigger.SCHEDULE,
        created_at=at,
        finished_at=at,
        receipt="signed" if state == SyncJob.State.SUCCEEDED else "",
    )
    jobs.note(job.pk, "requested", at)
    return job.pk


def kept(*expected: int) -> bool:
    """Whether of the jobs that are over exactly these are left, and their events with them."""
    ended = set(
        SyncJob.objects.filter(state__in=SyncJob.OVER, trigger=SyncJob.Trigger.SCHEDULE).values_list("pk", flat=True)
    )
    return ended == set(expected) == set(SyncJobEvent.objects.filter(job__in=ended).values_list("job", flat=True))


def test_jobs_go_after_400_days_with_events_and_receipts(world: World) -> None:
    moment = world.clock.now
    over(world, moment)
    over(world, moment, SyncJob.State.CANCELLED, RECORD)
    over(world, moment, SyncJob.State.SUCCEEDED, PREVIEW)
    over(world, moment, SyncJob.State.SUCCEEDED)
    younger = over(world, moment + A_MINUTE)
    last = over(world, moment + A_MINUTE, SyncJob.State.SUCCEEDED)

    beat(moment + KEPT)

    assert kept(younger, last)


def test_last_success_of_each_kind_stays_however_old(world: World) -> None:
    moment = world.clock.now
    over(world, moment, SyncJob.State.SUCCEEDED)
    last = [over(world, moment, SyncJob.State.SUCCEEDED, kind) for kind in (USAGE, RECORD)]

    beat(moment + 3 * KEPT)

    assert kept(*last)


def test_active_job_stays_with_its_parts(world: World) -> None:
    job = world.request()
    jobs.claim(job.pk, world.clock.now)
    SyncPart.objects.create(job=job, number=1, lines=1, body=b"x")
    SyncJob.objects.update(lease_until=world.clock.now + 2 * KEPT)

    beat(world.clock.now + KEPT)

    assert SyncJob.objects.filter(pk=job.pk).exists()
    assert SyncPart.objects.filter(job=job).exists()


def disconnect(world: World, at: datetime) -> None:
    Connection.objects.filter(pk=world.connection.pk).update(
        state=Connection.State.DISCONNECTED, disconnected_at=at, license_sync_enabled_at=None
    )


def test_lines_that_were_sent_go_30_days_after_disable(world: World, owner: User, client: Client) -> None:
    """The seats are the server's own list and stay; what was sent of them goes, and the page says so."""
    job = world.sync()
    assert job.state == SyncJob.State.SUCCEEDED
    disconnect(world, world.clock.now)

    beat(world.clock.now + timedelta(days=30) - A_MINUTE)
    assert SyncPart.objects.filter(job=job).exists()
    beat(world.clock.now + timedelta(days=30, hours=1))

    assert not SyncPart.objects.exists()
    assert Seat.objects.count() == 3
    make_role(owner, world.server.enterprise)
    client.force_login(owner)
    page = client.get(f"/enterprises/{world.server.enterprise.slug}/settings/license/sent?which=last").content.decode()
    assert "not kept any more" in page


def test_lines_that_the_original_sent_do_not_stay_with_a_copy(world: World) -> None:
    world.sync()
    assert split_off(world.connection, hostname="copy.octo.example", identity_key="a key")
    SyncJob.objects.update(sample_addresses=["ada@octo.example"])

    beat(world.clock.now + A_MINUTE)

    assert not SyncPart.objects.exists()
    assert not SyncJob.objects.filter(sample_addresses__isnull=False).exists()
    assert SyncJob.objects.exists()


def test_lines_of_a_connection_that_works_stay(world: World) -> None:
    job = world.sync()

    beat(world.clock.now + KEPT)

    assert SyncPart.objects.filter(job=job).exists()


def test_lines_of_a_new_sync_take_the_place_of_the_older_ones(world: World) -> None:
    older = world.sync()
    seat(world.server, ndjson([4]), partial=True)
    newer = world.sync()

    assert set(SyncPart.objects.values_list("job", flat=True)) == {newer.pk} != {older.pk}


def test_account_that_is_not_listed_any_more_goes_with_the_import(world: World) -> None:
    seat(world.server, ndjson([1, 2]), allow_shrink=True)

    assert set(Seat.objects.values_list("user_id", flat=True)) == {1, 2}


@pytest.mark.parametrize(("minutes", "code"), [(4, "lss_code"), (5, "")])
def test_one_time_code_goes_with_its_setup(minutes: int, code: str, world: World) -> None:
    moment = world.clock.now
    Connection.objects.update(
        state=Connection.State.PENDING,
        license_sync_enabled_at=None,
        pending_until=moment + timedelta(minutes=5),
        pending_code="lss_code",
        pending_code_at=moment,
        pending_app_key="key",
    )

    beat(moment + timedelta(minutes=minutes))

    world.connection.refresh_from_db()
    assert world.connection.pending_code == code
    # The cloud may know the key: the next setup offers it again.
    assert abandon(world.connection)
    world.connection.refresh_from_db()
    assert world.connection.pending_app_key == "key"


def test_statements_do_not_grow_with_the_jobs(world: World) -> None:
    moment = world.clock.now
    counts: list[int] = []
    for rows in (1, 90):
        for _row in range(rows):
            over(world, moment)
        with CaptureQueriesContext(connection) as seen:
            beat(moment + KEPT + len(counts) * timedelta(hours=1))
        counts.append(len([query for query in seen.captured_queries if "DELETE" in query["sql"]]))
        assert kept()

    assert counts[0] == counts[1]
