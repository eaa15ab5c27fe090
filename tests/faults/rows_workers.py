"""Workers that are killed, or stand still until others took over, in every state of a job and of an intake."""

import os
import signal
from functools import partial

from tests.faults.proxy import hold
from tests.faults.rows import Scene, row
from tests.faults.sides import Side
from tests.support.console import wait_until

# Each stands for the state that a process is in when it is about to send this to its database.
STATES_OF_JOB = {
    "queued": "UPDATE .licensesync_syncjob. SET .claim.",
    "claimed": "UPDATE .licensesync_syncjob. SET .lease_until. = %s, .state. = %s WHERE",
    "preparing": "INSERT INTO .licensesync_syncpart",
    "uploading": "UPDATE .licensesync_syncjob. .*opened_at",
    "applying": "UPDATE .licensesync_syncjob. .*commit_sent_at",
    "succeeding": "INSERT INTO .enterprises_auditevent.* license_sync.succeeded",
}
STATES_OF_INTAKE = {
    "committed": "UPDATE .cloud_intake. SET .claim.",
    "applying": "UPDATE .cloud_intake. SET .lease_until. = %s WHERE",
    "switching": "DELETE FROM .cloud_intakepart",
}


def _killed_in(scene: Scene, *, side: str, statement: str) -> None:
    struck: Side = getattr(scene, side)
    with struck.gate(statement):
        scene.request()
        struck.wait_at_gate()
        struck.kill_hands()
    scene.rig.pass_time()


def _declare_states() -> None:
    states = (("job", "server", STATES_OF_JOB), ("intake", "cloud", STATES_OF_INTAKE))
    for what, side, statements in states:
        for name, statement in statements.items():
            row(f"worker killed, {what} {name}")(partial(_killed_in, side=side, statement=statement))


_declare_states()


@row("workers of both sides killed as a whole, job uploading, intake receiving")
def receiving(scene: Scene) -> None:
    """The part that is on its way at that moment still arrives."""
    part = scene.rig.line.on("PUT", r"/parts/3$", hold)
    scene.request()
    part.wait()
    for side in scene.rig.sides:
        side.kill("worker")
    part.end()
    for side in scene.rig.sides:
        side.revive("worker")
    scene.rig.pass_time()


@row("worker killed, job waiting for the cloud")
def waiting(scene: Scene) -> None:
    asked = scene.rig.line.on("GET", r"/license-syncs/[\w-]+$", hold)
    with scene.cloud.gate(STATES_OF_INTAKE["committed"]):
        scene.request()
        asked.wait()
        scene.server.kill_hands()
    asked.end()
    scene.rig.pass_time()


def _outlived(scene: Scene, side: Side, statement: str, later: str, said: str) -> None:
    """A process stands still past its lease; when it goes on, another one is in the midst of its work."""
    with side.gate(statement):
        scene.request()
        (pid,) = side.wait_at_gate()
        os.kill(pid, signal.SIGSTOP)
    before = side.log().count(said)
    with side.gate(later):
        try:
            scene.rig.pass_time()
            side.tick()
            side.wait_at_gate()
        finally:
            os.kill(pid, signal.SIGCONT)
        assert wait_until(lambda: side.log().count(said) > before, 20), f"it did not notice\n{side.log()}"


# The same statement again, of another process.
AGAIN = "(?:){}"
JOB_LOST, INTAKE_LOST = "A worker lost its claim.", "Another worker took a snapshot over."


@row("worker paused past its lease and resumed, job claimed")
def paused(scene: Scene) -> None:
    _outlived(scene, scene.server, STATES_OF_JOB["claimed"], STATES_OF_JOB["uploading"], JOB_LOST)


@row("worker paused past its lease and resumed, job applying")
def paused_before_commit(scene: Scene) -> None:
    statement = STATES_OF_JOB["applying"]
    _outlived(scene, scene.server, statement, AGAIN.format(statement), JOB_LOST)


@row("worker paused past its lease and resumed, intake applying")
def paused_applying(scene: Scene) -> None:
    statement = STATES_OF_INTAKE["applying"]
    _outlived(scene, scene.cloud, statement, AGAIN.format(statement), INTAKE_LOST)


@row("four workers, every message eight times")
def four_workers(scene: Scene) -> None:
    with scene.server.more("worker", 3), scene.cloud.more("worker", 1):
        job_id = scene.request(tells=False)
        with scene.server.gate(STATES_OF_JOB["queued"]):
            for _time in range(8):
                scene.server.ask("send", "licensesync.run_sync", job_id=job_id)
            # More than two workers can hold. On SQLite whoever is about to claim holds the database already.
            scene.server.wait_at_gate(5 if scene.rig.database == "PostgreSQL" else 1)
        scene.rig.settle()


@row("two beats say the minute at once, the schedule due")
def two_beats(scene: Scene) -> None:
    """Both ticks look for what is due at the same moment."""
    scene.make_due()
    with scene.server.gate("FROM .licensesync_schedule. .*next_run_at. <= "):
        for _beat in range(2):
            scene.rig.tick()
        scene.server.wait_at_gate(2)
    assert wait_until(lambda: bool(scene.jobs()), 20), "the schedule began nothing"
