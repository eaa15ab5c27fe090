"""What brings a connection into each of its states."""

import io

from django.utils import timezone

from cloud.usage_files import receipt_of, upload_now
from connect.receipt_files import check_receipt, trust_of
from licensesync.importing_receipts import import_receipt
from licensesync.models import SyncJob
from licensesync.usage_files import usage_file
from tests.states.rows import state
from tests.states.rows_network import nobody_listens
from tests.states.scene import Scene
from wire import signing


@state("not_connected")
def new(scene: Scene) -> None:
    """A server that was just made."""
    scene.new_server()


@state("pending")
def setup_begun(scene: Scene) -> None:
    """The owner went to the cloud, and has not come back yet."""
    scene.new_server()
    scene.press("connection_enable", cloud_url=scene.line.url)


@state("pending")
def setup_over(scene: Scene) -> None:
    """The owner went to the cloud, and did not come back within five minutes."""
    setup_begun(scene)
    scene.pass_time(minutes=6)


@state("sync_off")
def sync_off(scene: Scene) -> None:
    """GitHub Connect is enabled, license sync is not."""
    scene.new_server()
    scene.connect(enabled=False)


@state("first_sync_pending")
def first_sync_ahead(scene: Scene) -> None:
    """License sync was enabled a moment ago."""
    scene.new_server()
    scene.connect()


@state("first_sync_pending")
def no_seats_yet(scene: Scene) -> None:
    """License sync was enabled, and nobody has brought in seats."""
    scene.new_server(seats=False)
    scene.connect()


@state("syncing")
def under_way(scene: Scene) -> None:
    """The cloud has everything, and applies it."""
    scene.seat(range(1, 30))
    job = scene.request()
    scene.cloud_works = False
    assert scene.work(job).state == SyncJob.State.APPLYING


@state("synced")
def synced(scene: Scene) -> None:
    """A sync has arrived."""


@state("synced")
def no_worker(scene: Scene) -> None:
    """A sync has arrived; since then no worker and no beat runs, and the next one is due."""
    scene.pass_time(days=7, hours=2)


@state("synced_old_seats")
def synced_old_seats(scene: Scene) -> None:
    """A sync has arrived, of seats that nobody has renewed for ten days."""
    scene.pass_time(days=10)
    scene.tick()


@state("stale")
def stale(scene: Scene) -> None:
    """No sync has arrived for nine days: license sync was off, and was enabled again a moment ago."""
    scene.enable(False)
    scene.pass_time(days=9)
    scene.enable(True)


@state("failed")
def failed(scene: Scene) -> None:
    """The last attempt did not arrive; why is in the table below."""
    nobody_listens(scene)


@state("license_expired")
def license_expired(scene: Scene) -> None:
    """Syncs arrive, and the license is over."""
    scene.pass_time(days=401)
    scene.seat(range(1, 30))
    scene.tick()


@state("needs_decision")
def needs_decision(scene: Scene) -> None:
    """The cloud waits for an owner's word; the decisions are in the table below."""
    scene.seat(range(1, 4))
    scene.sync()


@state("disconnected")
def disconnected(scene: Scene) -> None:
    """An owner disabled GitHub Connect."""
    scene.press("connection_disable")


@state("file_exported")
def file_exported(scene: Scene) -> None:
    """A server that must not connect has exported its license usage."""
    scene.new_server()
    scene.export()


@state("file_accepted")
def file_accepted(scene: Scene) -> None:
    """The cloud applied that file, and its receipt was carried back."""
    scene.new_server()
    _carry(scene, scene.export())


@state("file_stale")
def file_stale(scene: Scene) -> None:
    """The cloud applied a file nine days ago, and none since."""
    file_accepted(scene)
    scene.pass_time(days=9)


def _carry(scene: Scene, job: SyncJob) -> None:
    """There, have it applied, and back."""
    file = usage_file(scene.server, job)
    key = signing.fingerprint(file.header.server_key)
    at = timezone.now()
    there = io.BytesIO(b"".join(file))
    intake = upload_now(
        ledger=scene.ledger, stream=there, name=file.name, by=scene.owner, at=at, fingerprint=key, clock=timezone.now
    )
    back = receipt_of(intake)
    shown = check_receipt(scene.server, back, trust_of(scene.server)).fingerprint
    import_receipt(server=scene.server, content=back, by=scene.owner, at=timezone.now(), fingerprint=shown)
