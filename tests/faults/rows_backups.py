"""One side goes back to a backup, while the other one remembers what came after it."""

from collections.abc import Iterator

from tests.faults import people
from tests.faults.rig import CONNECTION, SLUG
from tests.faults.rows import Scene, row
from tests.faults.sides import Side


def _restored(scene: Scene, side: Side) -> None:
    """Back up, sync once more, and restore."""
    file = scene.rig.folder / f"{side.role}-{next(scene.rig.numbers)}.tar.gz"
    side.manage("backup", str(file))
    scene.request()
    scene.rig.settle()
    with side.stopped():
        side.manage("restore", str(file), "--force")


@row("cloud restored from backup")
def cloud_restored(scene: Scene) -> None:
    """The next sync brings it to where the server believes it to be, and the revision goes on from the server's."""
    before = scene.held.consumed
    _restored(scene, scene.cloud)
    (connection,) = scene.server.ask("rows", CONNECTION, "base_revision", server__enterprise__slug=SLUG)
    scene.begin_here(revision=connection["base_revision"])
    assert scene.held.consumed == before
    scene.request()


@row("server restored from backup", ends="revision_conflict")
def server_restored(scene: Scene) -> Iterator[None]:
    """It is found out and stopped; once an owner says that it is the original, it goes on."""
    _restored(scene, scene.server)
    scene.accounts = people.seats(next(scene.rig.numbers))
    scene.rig.import_seats(scene.accounts)
    scene.begin_here()
    scene.request()
    yield
    scene.server.manage("resolve_conflict", SLUG, "--original")
    scene.rig.settle()
