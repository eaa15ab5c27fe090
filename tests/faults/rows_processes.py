"""What happens to processes: they are killed, stand still, come back empty, or run more often than they should."""

from tests.faults.rows import Scene, row

JOB = "UPDATE .licensesync_syncjob."


@row("nothing")
def nothing(scene: Scene) -> None:
    scene.request()


def _kill_worker_before(scene: Scene, statement: str) -> None:
    with scene.server.gate(statement):
        scene.request()
        scene.server.wait_at_gate()
        scene.server.kill("worker")
    scene.server.revive("worker")
    scene.rig.pass_time()


@row("worker killed: job claimed")
def claimed(scene: Scene) -> None:
    _kill_worker_before(scene, f"{JOB}.* preparing")


@row("worker killed: job preparing")
def preparing(scene: Scene) -> None:
    _kill_worker_before(scene, "INSERT INTO .licensesync_syncpart")


@row("worker killed: job uploading")
def uploading(scene: Scene) -> None:
    _kill_worker_before(scene, f"{JOB}.*opened_at")
