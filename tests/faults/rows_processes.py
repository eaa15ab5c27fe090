"""What happens to brokers, databases and web processes: they die, come back empty, or run out of room."""

import re
import resource
from contextlib import ExitStack

from tests.faults.proxy import hold
from tests.faults.rigs import OnPostgres
from tests.faults.rows import DATABASES, Scene, row
from tests.faults.sides import Side
from tests.support.console import wait_until

HOUR_SECONDS = 3_600
# Only Linux lets one process set the limits of another one that runs.
LIMITED = DATABASES if hasattr(resource, "prlimit") else ()


@row("nothing")
def nothing(scene: Scene) -> None:
    """The control: without a fault a row is green, too."""
    scene.request()


@row("brokers killed and restarted")
def broker_killed(scene: Scene) -> None:
    part = scene.rig.line.on("PUT", r"/parts/2$", hold)
    scene.request()
    part.wait()
    for side in scene.rig.sides:
        side.kill("broker")
    part.end()
    for side in scene.rig.sides:
        side.revive("broker")


@row("brokers restarted empty")
def broker_emptied(scene: Scene) -> None:
    with scene.server.paused("worker"):
        scene.request()
        for side in scene.rig.sides:
            side.empty_broker()


@row("brokers gone for an hour")
def broker_gone(scene: Scene) -> None:
    with scene.server.without_broker(), scene.cloud.without_broker():
        scene.request()
        scene.rig.pass_time(HOUR_SECONDS)


@row("web of the cloud killed in mid-upload")
def web_killed(scene: Scene) -> None:
    with scene.cloud.gate("INSERT INTO .cloud_intakepart"):
        scene.request()
        scene.cloud.wait_at_gate()
        scene.cloud.kill("web")
    scene.cloud.revive("web")


@row("PostgreSQL killed in mid-commit", databases=("postgres",))
def database_killed(scene: Scene) -> None:
    """Every commit is written, and none is answered: whoever waits for it does not know."""
    rig = scene.rig
    assert isinstance(rig, OnPostgres)
    scene.request()
    for side, statement in (
        (scene.cloud, "DELETE FROM .cloud_intakepart"),
        (scene.server, "INSERT INTO .enterprises_auditevent.* license_sync.succeeded"),
    ):
        with rig.unanswered_commits(), side.gate(statement):
            rig.drive(side.waiters)
            rig.answer_no_commit()
            side.open_gate()
            assert wait_until(rig.has_unanswered_commit, 30), rig.log()
        rig.pass_time()


# PostgreSQL says so, or is gone before it can: it may be its own log that finds no room.
FULL = re.compile(
    r"disk I/O error|disk is full|File too large|unable to open database file"
    r"|server closed the connection unexpectedly"
)


@row("disk of the server full", databases=LIMITED)
def full_disk_of_server(scene: Scene) -> None:
    _full_disk(scene, scene.server, "worker", "INSERT INTO .licensesync_syncpart")


@row("disk of the cloud full", databases=LIMITED)
def full_disk_of_cloud(scene: Scene) -> None:
    _full_disk(scene, scene.cloud, "web", "INSERT INTO .cloud_intakepart")


def _full_disk(scene: Scene, side: Side, part: str, statement: str) -> None:
    """Nothing can be written any more in the midst of a transaction."""
    with ExitStack() as stack:
        stack.enter_context(side.gate(statement))
        scene.request()
        side.wait_at_gate()
        before = len(FULL.findall(side.log()))
        stack.enter_context(scene.rig.full_disk(side, part))
        side.open_gate()
        assert wait_until(lambda: len(FULL.findall(side.log())) > before, 20), side.log()
    side.revive_all()
    scene.rig.pass_time()


@row("file limits reached, worker", databases=LIMITED)
def worker_without_files(scene: Scene) -> None:
    with ExitStack() as stack:
        stack.enter_context(scene.server.gate("UPDATE .licensesync_syncjob. .*opened_at"))
        job_id = scene.request()
        scene.server.wait_at_gate()
        stack.enter_context(scene.server.limited("worker", resource.RLIMIT_NOFILE))
        scene.server.open_gate()
        assert wait_until(lambda: not scene.rig.job(job_id, "lease_until")["lease_until"], 20), scene.server.log()
    scene.server.revive_all()


@row("file limits reached, web of the cloud", databases=LIMITED)
def web_without_files(scene: Scene) -> None:
    with scene.cloud.limited("web", resource.RLIMIT_NOFILE):
        job_id = scene.request()
        assert wait_until(lambda: bool(scene.rig.job(job_id, "error_code")["error_code"]), 30), scene.rig.job(job_id)
    scene.cloud.revive_all()
