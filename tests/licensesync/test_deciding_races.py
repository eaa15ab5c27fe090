"""Decisions that eight owners make at the same moment, and what would happen without each guard."""

import uuid
from contextlib import nullcontext

import pytest

from connect.models import Connection, Server
from enterprises.models import AuditEvent
from licensesync import deciding
from licensesync.deciding import NothingToDecide
from licensesync.models import SyncJob
from tests.factories import NOW
from tests.licensesync.fake_cloud import refusal
from tests.licensesync.world import World, make_world
from tests.support.races import THREADS, race, without_condition

JOB = 'UPDATE "licensesync_syncjob"'
SERVER = 'UPDATE "connect_server"'


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


def confirm_eight(world: World) -> int:
    """Eight owners confirm the removal that the cloud asked about; return how many of them decided it."""
    world.cloud.fail("open", lambda: refusal(409, "shrink_unconfirmed"))
    job = world.sync()

    def confirm(_number: int) -> SyncJob:
        own = Connection.objects.get(pk=world.connection.pk)
        return deciding.confirm_shrink(connection=own, job_id=job.pk, by=None, at=NOW)

    found = race(confirm, before=JOB, refusals=(NothingToDecide,))
    return sum(isinstance(each, SyncJob) for each in found)


def test_refusal_is_decided_once(world: World) -> None:
    assert confirm_eight(world) == 1


@pytest.mark.parametrize("is_frozen", [False, True])
def test_removal_is_meant_for_the_sync_that_waits_already(world: World, is_frozen: bool) -> None:
    """Somebody asked for a sync a moment before, and no worker has begun it, or one just has."""
    world.cloud.fail("open", lambda: refusal(409, "shrink_unconfirmed"))
    refused = world.sync()
    waiting = world.request()
    if is_frozen:
        SyncJob.objects.filter(pk=waiting.pk).update(sync_id=uuid.uuid4())

    with pytest.raises(NothingToDecide) if is_frozen else nullcontext():
        deciding.confirm_shrink(connection=world.connection, job_id=refused.pk, by=None, at=NOW)

    waiting.refresh_from_db()
    refused.refresh_from_db()
    assert (waiting.allow_shrink, refused.decision) == ((False, "") if is_frozen else (True, "shrink"))


@pytest.mark.postgres
def test_without_the_condition_it_is_decided_eight_times(world: World) -> None:
    with without_condition(SyncJob):
        assert confirm_eight(world) == THREADS


def copy_eight(world: World) -> int:
    """Eight owners call a server that was kept out a copy; return how many times it became another one."""
    Connection.objects.update(state=Connection.State.NOT_CONNECTED, installation_id=None, license_sync_enabled_at=None)

    def become(number: int) -> str:
        own = Server.objects.select_related("connection", "enterprise").get(pk=world.server.pk)
        return deciding.become_copy(server=own, hostname=f"copy{number}.example", taken="", by=None, at=NOW)

    found = race(become, before=SERVER, refusals=(NothingToDecide,))
    assert AuditEvent.objects.filter(action="license_sync.declared_copy").count() == sum(
        isinstance(each, str) for each in found
    )
    return sum(isinstance(each, str) for each in found)


def test_server_becomes_a_copy_once(world: World) -> None:
    assert copy_eight(world) == 1


@pytest.mark.postgres
def test_without_the_condition_it_becomes_one_eight_times(world: World) -> None:
    with without_condition(Server):
        assert copy_eight(world) == THREADS


def test_server_that_is_being_connected_does_not_become_a_copy(world: World) -> None:
    """It is connected between the look of whoever calls it a copy and the write."""
    own = Server.objects.select_related("connection", "enterprise").get(pk=world.server.pk)
    own.connection.state, own.connection.installation_id = Connection.State.PENDING, None

    with pytest.raises(NothingToDecide):
        deciding.become_copy(server=own, hostname="copy.example", taken="", by=None, at=NOW)

    assert Server.objects.get().server_id == world.server.server_id
    assert Connection.objects.get().is_connected
