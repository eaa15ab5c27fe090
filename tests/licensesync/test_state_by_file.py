"""Where a server stands whose usage files are carried to the cloud."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from connect.models import Connection, Server
from licensesync import snapshot
from licensesync.importing_receipts import import_receipt
from licensesync.models import SyncJob
from licensesync.notices import current
from licensesync.state import ConnectionState, StateCode, connection_state
from tests.factories import NOW
from tests.licensesync.carried import FarCloud, exported
from tests.licensesync.world import make_server, make_world, ndjson, seat

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Server:
    made = make_server()
    seat(made, ndjson(range(1, 4)))
    return made


@pytest.fixture
def cloud() -> FarCloud:
    return FarCloud()


def accept(server: Server, cloud: FarCloud, job: SyncJob, revision: int = 1, **changes: Any) -> None:
    content = cloud.answer(job, revision, **changes)
    import_receipt(server=server, content=content, by=None, at=NOW, fingerprint=cloud.fingerprint)


def state_of(server: Server, **later: float) -> ConnectionState:
    return connection_state(Connection.objects.get(server=server), NOW + timedelta(**later))


def test_file_that_was_exported_waits_for_its_receipt(server: Server) -> None:
    exported(server)

    state = state_of(server)

    assert (state.code, state.place, state.last_success) == (StateCode.FILE_EXPORTED, "usage_file", None)


def test_receipt_says_who_accepted_what_and_when(server: Server, cloud: FarCloud) -> None:
    accept(server, cloud, exported(server), 3)

    state = state_of(server)

    assert str(state.label) == "Accepted by Octo Inc., revision 3, March 2"
    assert (state.code, state.tone, state.last_success) == (StateCode.FILE_ACCEPTED, "success", NOW)


def test_newer_file_without_a_receipt_is_said(server: Server, cloud: FarCloud) -> None:
    accept(server, cloud, exported(server))
    exported(server)

    state = state_of(server)

    assert state.code == StateCode.FILE_ACCEPTED
    assert state.remarks == ("A newer usage file was exported on March 2; its receipt has not come yet.",)


def test_restored_server_is_told_to_export_again_after_it_took_up_what_it_forgot(
    server: Server, cloud: FarCloud
) -> None:
    job = exported(server)
    accept(server, cloud, job)
    content = cloud.answer(job, 3, sync_id=str(uuid4()))
    import_receipt(server=server, content=content, by=None, at=NOW, adopt=True)

    assert [text.partition(",")[0] for text in map(str, state_of(server).remarks)] == ["The cloud holds revision 3"]

    exported(server)
    assert str(state_of(server).remarks[0]).startswith("A newer usage file was exported")


def test_file_is_stale_after_eight_days_and_its_owner_is_told(server: Server, cloud: FarCloud) -> None:
    accept(server, cloud, exported(server))

    assert state_of(server, days=8).code == StateCode.FILE_ACCEPTED
    state = state_of(server, days=9)
    assert (state.code, state.tone) == (StateCode.FILE_STALE, "attention")
    assert state.reason == "The last usage file was accepted 9 days ago."
    assert list(current(NOW)) == []
    assert [cause.code for cause in current(NOW + timedelta(days=9))] == ["no_usage_file"]


def test_what_was_accepted_counts_by_the_day_when_the_cloud_applied_it(server: Server, cloud: FarCloud) -> None:
    job = exported(server)

    accept(server, cloud, job, applied_at=NOW - timedelta(days=9))

    assert state_of(server).code == StateCode.FILE_STALE


def test_disable_ends_what_was_accepted_before(server: Server, cloud: FarCloud) -> None:
    accept(server, cloud, exported(server))
    Connection.objects.filter(server=server).update(
        state=Connection.State.DISCONNECTED, disconnected_at=NOW + timedelta(hours=1)
    )

    assert state_of(server, hours=2).code == StateCode.DISCONNECTED


def test_copy_has_not_inherited_that_its_files_were_accepted(server: Server, cloud: FarCloud) -> None:
    accept(server, cloud, exported(server))

    Server.objects.filter(pk=server.pk).update(server_id=uuid4())

    assert state_of(server).code == StateCode.NOT_CONNECTED


def test_connected_server_says_that_its_newest_success_came_by_file() -> None:
    world = make_world()
    world.sync()
    near = FarCloud(keys=[world.cloud.key])
    accept(world.server, near, exported(world.server), 2, applied_at=NOW + timedelta(hours=1))

    state = connection_state(world.connection, NOW + timedelta(hours=2))

    assert (state.code, str(state.label)) == (StateCode.SYNCED, "Accepted by octo, revision 2, March 2")
    assert snapshot.last_sent(world.server) == state.succeeded


def test_later_sync_takes_the_place_of_a_file() -> None:
    world = make_world()
    near = FarCloud(keys=[world.cloud.key])
    accept(world.server, near, exported(world.server))
    world.clock.move(hours=1)

    job = world.sync()

    assert connection_state(world.connection, world.clock.now).succeeded == job
