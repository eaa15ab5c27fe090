"""A sync from the seats to the receipt, and what interrupts it."""

from licensesync.models import SyncJob
from tests.licensesync.world import World

State = SyncJob.State


def test_sync_ends_with_a_verified_receipt_and_a_new_base(world: World) -> None:
    job = world.sync()

    world.connection.refresh_from_db()
    assert (job.state, job.accounts, job.parts_sent) == (State.SUCCEEDED, 3, 1)
    assert job.result is not None
    assert job.result["licenses_after"] == 3
    assert (world.connection.base_revision, world.connection.base_snapshot_id) == (1, job.sync_id)


def test_unchanged_server_uploads_nothing_and_still_gets_a_receipt(world: World) -> None:
    first = world.sync()
    world.clock.move(days=7)

    second = world.sync()

    assert world.cloud.seen.count("part") == 1
    assert second.state == State.SUCCEEDED
    assert second.receipt != first.receipt
    assert second.result is not None
    assert second.result["revision"] == 2
