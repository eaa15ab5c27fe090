"""What happens to brokers, databases and web processes: they die, come back empty, or run out of room."""

import resource

from tests.faults.proxy import hold
from tests.faults.rig import OnPostgres
from tests.faults.rows import DATABASES, Scene, row
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
    for side, statement in (
        (scene.cloud, "DELETE FROM .cloud_intakepart"),
        (scene.server, "INSERT INTO .enterprises_auditevent.* license_sync.succeeded"),
    ):
        with side.gate(statement):
            scene.request() if not scene.jobs() else rig.tick()
            side.wait_at_gate()
            rig.answer_no_commit()
        assert wait_until(rig.has_unanswered_commit, 20)
        rig.restart_postgres()
        rig.pass_time()
