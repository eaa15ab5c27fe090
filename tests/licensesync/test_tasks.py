"""The messages between beat, workers and the broker are thin: ids in, the row decides."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connect.models import Connection
from enterprises.models import StagedUpload, User
from licensesync.beat import tick
from licensesync.models import Schedule, SyncJob
from licensesync.tasks import run_sync
from tests.licensesync.world import World, make_world

pytestmark = pytest.mark.django_db


def test_message_for_a_job_that_is_over_changes_nothing(world: World) -> None:
    job = world.sync()

    run_sync.apply(kwargs={"job_id": job.pk, "a_later_word": True}, throw=True)

    job.refresh_from_db()
    assert (job.state, job.claim) == (SyncJob.State.SUCCEEDED, 1)


def test_message_for_a_job_that_is_gone_changes_nothing(world: World) -> None:
    run_sync.apply(kwargs={"job_id": 4711}, throw=True)

    assert not SyncJob.objects.exists()


def test_tick_starts_what_is_due_and_clears_old_uploads(owner: User) -> None:
    world = make_world()
    now = timezone.now()
    an_hour_ago = now - timedelta(hours=1)
    Connection.objects.update(connected_at=an_hour_ago, license_sync_enabled_at=an_hour_ago)
    StagedUpload.objects.create(
        enterprise=world.server.enterprise,
        by=owner,
        purpose="seats",
        name="old.csv",
        size=0,
        created_at=now - timedelta(hours=2),
        expires_at=an_hour_ago,
    )

    tick.apply(kwargs={"a_later_word": True}, throw=True)

    assert set(SyncJob.objects.values_list("slot", flat=True)) == {Schedule.Slot.SYNC, Schedule.Slot.RECORD}
    assert not StagedUpload.objects.exists()
