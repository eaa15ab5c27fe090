"""Both sides of a sync as real processes on one kind of database, and one connected server between them.

A row of the table asks for a sync, lets a fault happen, and heals it (``tests.faults.rows``). All rows of a kind of
database share one rig, since processes take seconds to start.
"""

import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults import people
from tests.faults.proxy import FaultProxy
from tests.faults.sides import ComposeSide, EmbeddedSide, Side
from tests.faults.verdict import Marks, Seen
from tests.support.services import Service, create_database, start_postgres

JOB, PART, CONNECTION = "licensesync.SyncJob", "licensesync.SyncPart", "connect.Connection"
INTAKE, INTAKE_PART, INSTALLATION = "cloud.Intake", "cloud.IntakePart", "cloud.Installation"
LEDGER, ACCOUNT, AUDIT = "cloud.Ledger", "cloud.ServerAccount", "enterprises.AuditEvent"
LEASE_SECONDS = 301
SLUG = "ghes1"
SETTLES_WITHIN_SECONDS = 40


class Rig(ABC):
    """A server and a cloud, connected; ``settle`` waits until a sync is over."""

    database = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: Side
        self.cloud: Side
        self.line = FaultProxy()
        # Each row has seats of its own, which no cloud has seen.
        self.numbers = count(1)

    @contextmanager
    def running(self) -> Iterator["Rig"]:
        with ExitStack() as stack:
            self._start(stack)
            stack.enter_context(self.line.serving(self.cloud.port))
            self._connect()
            yield self

    @abstractmethod
    def _start(self, stack: ExitStack) -> None:
        """Start both sides."""

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.server, self.cloud

    def _connect(self) -> None:
        members = self.folder / "members.ndjson"
        members.write_text(people.members_file())
        *_, token = self.cloud.ask(
            "manage",
            ["create_enterprise", "octo", "--deployment=cloud", "--owner=carla", "--seats=100"],
            ["import_members", "octo", str(members)],
            ["create_api_token", "carla", "--scope", "admin:enterprise"],
        )
        self.server.ask(
            "manage",
            ["create_enterprise", SLUG, "--deployment=server", f"--hostname={people.HOSTNAME}"],
            ["connect_enterprise", SLUG, "--account", "octo", "--token", token.strip()],
            ["license_sync", SLUG, "enable"],
        )
        # Nothing happens but what a row asks for.
        self.server.ask("delete", "licensesync.Schedule")
        self.import_seats(people.seats(0))
        self.server.ask("request", SLUG)
        self.settle()

    def import_seats(self, accounts: dict[int, str], slug: str = SLUG) -> None:
        """Make these the seats of a server."""
        file = self.folder / f"{slug}.ndjson"
        file.write_text(people.seats_file(accounts))
        self.server.manage("import_seats", slug, str(file), "--allow-shrink")

    def pass_time(self, seconds: float = LEASE_SECONDS) -> None:
        """Let time pass on both sides; by default until leases that nobody renews are over."""
        for side in self.sides:
            side.move_clock(side.offset + seconds)

    def job(self, job_id: int, *fields: str) -> dict[str, Any]:
        (row,) = self.server.ask("rows", JOB, *fields, pk=job_id)
        return dict(row)

    def settle(self) -> None:
        """Tick until nothing is under way; where a job waits for its next attempt, time passes.

        :raises AssertionError: it does not come to an end
        """
        deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
        next_tick = time.monotonic() + 0.5
        while True:
            jobs = self.server.ask("rows", JOB, "id", "state", "lease_until", "not_before", state__in=ACTIVE)
            intakes = self.cloud.ask("rows", INTAKE, "id", "state", "lease_until", state="applying")
            if not jobs and not intakes:
                return
            assert time.monotonic() < deadline, f"still under way: {jobs} {intakes}"
            if time.monotonic() > next_tick:
                self._wait_for_no_attempt(jobs)
                for side in self.sides:
                    side.tick()
                next_tick = time.monotonic() + 1
            time.sleep(0.05)

    def _wait_for_no_attempt(self, jobs: list[dict[str, Any]]) -> None:
        waiting = [job["not_before"] for job in jobs if job["not_before"] and not job["lease_until"]]
        if waiting:
            now = datetime.fromisoformat(self.server.ask("now"))
            late = (min(map(datetime.fromisoformat, waiting)) - now).total_seconds()
            if late > 0:
                self.pass_time(late + 1)

    def heal(self) -> None:
        """Whatever the last row left behind: nothing is held, every part runs, nothing is under way."""
        self.line.calm()
        for side in self.sides:
            side.open_gate()
            side.revive_all()
        self.server.ask("update", JOB, {"state": "failed", "finished_at": self.server.ask("now")}, state__in=ACTIVE)
        self.cloud.ask("delete", INTAKE, state__in=["receiving", "applying"])

    def marks(self) -> Marks:
        """Where things stand before a fault."""
        jobs, intakes = self.server.ask("rows", JOB, "id"), self.cloud.ask("rows", INTAKE, "id")
        (installation,) = self.cloud.ask("rows", INSTALLATION, "revision", hostname=people.HOSTNAME)
        last_job, last_intake = (rows[-1]["id"] if rows else 0 for rows in (jobs, intakes))
        return Marks(job=last_job, intake=last_intake, revision=installation["revision"])

    def seen(self, marks: Marks) -> Seen:
        """What both sides hold."""
        fields = ("id", "state", "error_code", "receipt", "sha256", "sync_id", "lease_until")
        (connection,) = self.server.ask("rows", CONNECTION, "base_revision", "base_snapshot_id")
        facts = ("revision", "snapshot_id", "sha256", "last_status")
        (installation,) = self.cloud.ask("rows", INSTALLATION, *facts, hostname=people.HOSTNAME)
        (ledger,) = self.cloud.ask("rows", LEDGER, "consumed")
        jobs = self.server.ask("rows", JOB, *fields, id__gt=marks.job)
        successes = self.server.ask("rows", AUDIT, "after", action="license_sync.succeeded")
        ids = {job["sync_id"] for job in jobs}
        return Seen(
            jobs=jobs,
            active_jobs=len(self.server.ask("rows", JOB, "id", state__in=ACTIVE)),
            parts={row["job_id"] for row in self.server.ask("rows", PART, "job_id")},
            connection=connection,
            intakes=self.cloud.ask("rows", INTAKE, "id", "state", "receipt", "snapshot_id", id__gt=marks.intake),
            open_intakes=len(self.cloud.ask("rows", INTAKE, "id", state__in=["receiving", "applying"])),
            intake_parts=len(self.cloud.ask("rows", INTAKE_PART, "id")),
            installation=installation,
            consumed=ledger["consumed"],
            owners={
                f"{row['installation__hostname']}:{row['user_id']}": row["person_key"]
                if row["person_key"][0] != "s"
                else "s"
                for row in self.cloud.ask("rows", ACCOUNT, "installation__hostname", "user_id", "person_key")
            },
            audited=sum(each["after"].get("sync_id") in ids for each in successes),
        )

    def log(self) -> str:
        return "".join(side.log() for side in self.sides)


ACTIVE = ["queued", "preparing", "uploading", "applying"]


class OnPostgres(Rig):
    """As docker-compose.yml has it: one PostgreSQL with a database for each side, a broker each."""

    database = "PostgreSQL"

    def _start(self, stack: ExitStack) -> None:
        # A commit that was answered is kept, also where the server is killed a moment later.
        self.postgres: Service
        self.postgres, url = start_postgres(self.folder, "synchronous_commit=on")
        stack.callback(self.postgres.kill)
        address = url.rpartition("/")[0]
        create_database(url, "server")
        self.cloud = ComposeSide("cloud", self.folder, f"{address}/cloud", BASE_URL=self.line.url)
        self.server = ComposeSide("server", self.folder, f"{address}/server", CLOUD_URLS=self.line.url)
        self.server.services.run(*self.server.services.command("migrate"))
        create_database(url, "cloud", template="server")
        self.cloud.start(stack)
        self.server.start(stack)


class OnSqlite(Rig):
    """As ``make run`` has it: everything embedded, one ``manage.py up`` for each side."""

    database = "SQLite"

    def _start(self, stack: ExitStack) -> None:
        self.cloud = EmbeddedSide("cloud", self.folder, BASE_URL=self.line.url)
        self.server = EmbeddedSide("server", self.folder, CLOUD_URLS=self.line.url)
        self.cloud.start(stack)
        self.server.start(stack)


RIGS = {"postgres": OnPostgres, "sqlite": OnSqlite}


@contextmanager
def running_rig(database: str) -> Iterator[Rig]:
    """A rig that runs and is connected."""
    # Not pytest's tmp_path: nobody but its owner may enter that, and PostgreSQL may have to run as somebody else.
    folder = Path(tempfile.mkdtemp(prefix=f"licensesync-faults-{database}-"))
    try:
        with RIGS[database](folder).running() as rig:
            yield rig
    finally:
        shutil.rmtree(folder, ignore_errors=True)
