"""Both sides of a sync as real processes on one kind of database, and one connected server between them.

A row of the table asks for a sync, lets a fault happen, and heals it (``tests.faults.rows``). All rows of a kind of
database share one rig, since processes take seconds to start.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from tests.cloud.rulebook import Listed
from tests.faults import people
from tests.faults.asking import Helper
from tests.faults.proxy import FaultProxy
from tests.faults.sides import Side
from tests.faults.verdict import Marks, Seen
from tests.proxies.proxies import tls_reverse_proxy, write_certificates

JOB, PART, CONNECTION = "licensesync.SyncJob", "licensesync.SyncPart", "connect.Connection"
INTAKE, INTAKE_PART, INSTALLATION = "cloud.Intake", "cloud.IntakePart", "cloud.Installation"
SCHEDULE = "licensesync.Schedule"
LEDGER, ACCOUNT, AUDIT = "cloud.Ledger", "cloud.ServerAccount", "enterprises.AuditEvent"
LEASE_SECONDS = 301
SLUG = "ghes1"
SERVER_OWNER, CLOUD_OWNER = "olivia", "carla"
SETTLES_WITHIN_SECONDS = 90


class Rig(ABC):
    """A server and a cloud, connected; ``settle`` waits until a sync is over."""

    database = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: Side
        self.cloud: Side
        self.line = FaultProxy()
        # The cloud's address once more, with the certificate that lies in ``chain``; the server trusts the first one.
        self.authority, self.chain = write_certificates(folder, "localhost")
        self.tls_url = ""
        self.server_id = ""
        # Each row has seats of its own, which no cloud has seen.
        self.numbers = count(1)

    @contextmanager
    def running(self) -> Iterator["Rig"]:
        with ExitStack() as stack:
            self.tls_url = (
                f"https://localhost:{stack.enter_context(tls_reverse_proxy(self.chain, self.line.server_port))}"
            )
            self._start(stack)
            stack.enter_context(self.line.serving(self.cloud.port))
            self._connect()
            yield self

    @abstractmethod
    def _start(self, stack: ExitStack) -> None:
        """Start both sides."""

    @abstractmethod
    def full_disk(self, side: Side, part: str) -> AbstractContextManager[None]:
        """A time in which what a part of a side writes finds no room."""

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.server, self.cloud

    @property
    def server_variables(self) -> dict[str, str]:
        """What an operator of the server sets: where the cloud answers, and whose certificates to trust."""
        return {"CLOUD_URLS": f"{self.line.url} {self.tls_url}", "CA_BUNDLE": str(self.authority)}

    def _connect(self) -> None:
        create = ["create_enterprise", "octo", "--deployment=cloud", f"--owner={CLOUD_OWNER}", "--seats=100"]
        self.cloud.ask("manage", create)
        self.import_members(people.MEMBERS)
        self.add_server(SLUG)
        self.connect(SLUG)
        self.import_seats(people.seats(0))
        self.server.ask("request", SLUG)
        self.settle()

    def add_server(self, slug: str) -> None:
        """A server that is not connected, and its owner."""
        host = f"--hostname={slug}.octo.example"
        self.server.manage("create_enterprise", slug, "--deployment=server", host, f"--owner={SERVER_OWNER}")

    def connect(self, slug: str = SLUG) -> None:
        """Enable GitHub Connect and license sync."""
        token = self.cloud.manage("create_api_token", CLOUD_OWNER, "--scope", "admin:enterprise").strip()
        connect = ["connect_enterprise", slug, "--cloud-url", self.line.url, "--account", "octo", "--token", token]
        self.server.ask("manage", connect)
        self.enable_sync(slug)
        if slug == SLUG:
            (server,) = self.server.ask("rows", "connect.Server", "server_id", enterprise__slug=slug)
            self.server_id = server["server_id"]

    def enable_sync(self, slug: str = SLUG) -> None:
        """Set license sync to Enabled. Nothing happens but what a row asks for, so what is planned is far away."""
        self.server.manage("license_sync", slug, "enable")
        self.server.ask("postpone")

    def import_members(self, members: dict[int, Listed]) -> None:
        """Make these the members of the cloud account."""
        self.cloud.manage(*self.members_import(members))

    def members_import(self, members: dict[int, Listed]) -> list[str]:
        """Return the command that makes these the members."""
        file = self.folder / "members.ndjson"
        file.write_text(people.members_file(members))
        return ["import_members", "octo", str(file), "--allow-shrink"]

    def give_roles(self) -> None:
        """Have the two owners own what they own in the beginning."""
        self.server.manage("grant_role", SLUG, SERVER_OWNER, "--role", "owner")
        self.cloud.manage("grant_role", "octo", CLOUD_OWNER, "--role", "owner")

    @abstractmethod
    def _copy(self) -> Helper:
        """Copy the server as it is now; return a helper of the copy."""

    @contextmanager
    def clone(self) -> Iterator[Helper]:
        """A copy of the server, with nothing running but a helper."""
        helper = self._copy()
        try:
            yield helper
        finally:
            helper.stop()

    def import_seats(self, accounts: dict[int, str], slug: str = SLUG) -> None:
        """Make these the seats of a server."""
        file = self.folder / f"{slug}.ndjson"
        file.write_text(people.seats_file(accounts))
        self.server.manage("import_seats", slug, str(file), "--allow-shrink")

    @contextmanager
    def another_certificate(self) -> Iterator[None]:
        """At ``tls_url`` answers somebody whose certificate no authority signed that the server trusts."""
        right = self.chain.read_bytes()
        (self.folder / "other").mkdir(exist_ok=True)
        _authority, other = write_certificates(self.folder / "other", "localhost")
        other.replace(self.chain)
        try:
            yield
        finally:
            self.chain.write_bytes(right)

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
        self.drive(lambda: not self._active_jobs() and not self._open_intakes())

    def drive(self, has_come: Callable[[], object]) -> None:
        """Tick until something has come about; where a job waits for its next attempt, time passes.

        :raises AssertionError: it does not come about
        """
        deadline = time.monotonic() + SETTLES_WITHIN_SECONDS
        next_tick = time.monotonic() + 0.5
        while not has_come():
            if time.monotonic() > next_tick:
                jobs = self._active_jobs()
                assert time.monotonic() < deadline, f"still under way: {jobs} {self._open_intakes()}\n{self.log()}"
                self._wait_for_no_attempt(jobs)
                self.tick()
                next_tick = time.monotonic() + 1
            time.sleep(0.05)

    def _active_jobs(self) -> list[dict[str, Any]]:
        jobs: list[dict[str, Any]] = self.server.ask(
            "rows", JOB, "id", "state", "lease_until", "not_before", state__in=ACTIVE
        )
        return jobs

    def _open_intakes(self) -> list[dict[str, Any]]:
        intakes: list[dict[str, Any]] = self.cloud.ask("rows", INTAKE, "id", "state", "lease_until", state__in=OPEN)
        return intakes

    def tick(self) -> None:
        """What the beats of both sides say every minute."""
        for side in self.sides:
            side.tick()

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
        self.cloud.ask("delete", INTAKE, state__in=OPEN)

    def marks(self) -> Marks:
        """Where things stand before a fault."""
        jobs, intakes = self.server.ask("rows", JOB, "id"), self.cloud.ask("rows", INTAKE, "id")
        last_job, last_intake = (rows[-1]["id"] if rows else 0 for rows in (jobs, intakes))
        return Marks(job=last_job, intake=last_intake, revision=self.installation()["revision"])

    def installation(self) -> dict[str, Any]:
        """What the cloud says of the server; revision 0 where it does not know it."""
        facts = ("id", "revision", "snapshot_id", "sha256", "last_status")
        found = self.cloud.ask("rows", INSTALLATION, *facts, server_id=self.server_id)
        return dict(found[0]) if found else dict.fromkeys(facts, "") | {"revision": 0}

    def seen(self, marks: Marks) -> Seen:
        """What both sides hold. Jobs and snapshots are those of the one server, whatever others did meanwhile."""
        fields = ("id", "state", "error_code", "receipt", "sha256", "sync_id", "lease_until")
        base = ("id", "base_revision", "base_snapshot_id")
        (connection,) = self.server.ask("rows", CONNECTION, *base, server__enterprise__slug=SLUG)
        (ledger,) = self.cloud.ask("rows", LEDGER, "consumed")
        # The connection record has a slot of its own: a switch of the license sync sends one at once.
        own = {"connection": connection["id"], "slot": "sync"}
        jobs = self.server.ask("rows", JOB, *fields, id__gt=marks.job, **own)
        since = {"id__gt": marks.intake, "installation__server_id": self.server_id}
        successes = self.server.ask("rows", AUDIT, "after", action="license_sync.succeeded")
        ids = {job["sync_id"] for job in jobs}
        return Seen(
            jobs=jobs,
            active_jobs=len(self.server.ask("rows", JOB, "id", state__in=ACTIVE)),
            parts={row["job_id"] for row in self.server.ask("rows", PART, "job_id", job__connection=connection["id"])},
            connection=connection,
            intakes=self.cloud.ask("rows", INTAKE, "id", "state", "receipt", "snapshot_id", **since),
            open_intakes=len(self.cloud.ask("rows", INTAKE, "id", state__in=OPEN)),
            intake_parts=len(self.cloud.ask("rows", INTAKE_PART, "id")),
            installation=self.installation(),
            consumed=ledger["consumed"],
            owners=self._owners(),
            audited=sum(each["after"].get("sync_id") in ids for each in successes),
        )

    def _owners(self) -> dict[str, str]:
        accounts = self.cloud.ask("rows", ACCOUNT, "installation__hostname", "user_id", "person_key")
        return {
            f"{row['installation__hostname']}:{row['user_id']}": row["person_key"]
            if row["person_key"][0] != "s"
            else "s"
            for row in accounts
        }

    def holds(self) -> tuple[dict[str, Any], dict[str, str]]:
        """What the cloud holds of the server, and whose each account is."""
        installation = self.installation()
        return {name: installation[name] for name in ("id", "revision", "snapshot_id", "sha256")}, self._owners()

    def log(self) -> str:
        return "".join(side.log() for side in self.sides)


ACTIVE = ["queued", "preparing", "uploading", "applying"]
OPEN = ["receiving", "applying"]
