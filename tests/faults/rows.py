"""The rows of the table of faults: what happens, and how each of them is run and judged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.cloud.rulebook import Listed
from tests.faults import people
from tests.faults.browser import Browser
from tests.faults.proxy import FaultProxy
from tests.faults.rig import CLOUD_OWNER, JOB, SCHEDULE, SERVER_OWNER, SLUG, Rig
from tests.faults.sides import Side
from tests.faults.verdict import Expected, Marks, Seen, complaints
from tests.support.console import wait_until

DATABASES = ("postgres", "sqlite")


@dataclass
class Scene:
    """One row at work: fresh seats that no cloud has seen, and what the row does to a sync of them.

    ``accounts`` are those that the cloud holds at the end, ``others`` those of other servers, ``members`` who is one:
    where the row changes that.
    """

    rig: Rig
    marks: Marks
    held: Seen
    accounts: dict[int, str] = field(default_factory=dict)
    others: dict[str, dict[int, str]] = field(default_factory=dict)
    members: dict[int, Listed] = field(default_factory=lambda: dict(people.MEMBERS))

    @property
    def server(self) -> Side:
        return self.rig.server

    @property
    def cloud(self) -> Side:
        return self.rig.cloud

    @property
    def line(self) -> FaultProxy:
        return self.rig.line

    def owner(self) -> Browser:
        """The browser of somebody who owns both the server and the cloud account."""
        for side in self.rig.sides:
            side.collect_static()
        browser = Browser()
        browser.sign_in(self.server, self.server.url, SERVER_OWNER)
        browser.sign_in(self.cloud, self.line.url, CLOUD_OWNER)
        return browser

    def expected(self, ends: str) -> Expected:
        """What the rules say where the cloud holds what it is to hold."""
        world = people.world(self.members, ghes1=self.accounts, **self.others)
        return Expected(ends, people.count(world), people.owners(world))

    def is_explained(self, code: str) -> bool:
        """Whether the server says what a failure is, and what to do next."""
        sentence, next_step = self.server.ask("explain", code)
        return bool(sentence and next_step) and "this version does not know" not in sentence

    def request(self, *, tells: bool = True, **options: Any) -> int:
        """Sync now; unless it ``tells``, no worker hears of it before the next tick."""
        return int(self.server.ask("request", SLUG, tells=tells, **options))

    def begin_here(self, **marks: Any) -> None:
        """What happened until now was only the way to the fault."""
        self.marks = replace(self.rig.marks(), **marks)
        self.held = self.rig.seen(self.marks)

    def make_due(self) -> None:
        """The weekly sync is due."""
        self.server.ask("update", SCHEDULE, {"next_run_at": self.server.ask("now")}, slot="sync")

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs since the row began."""
        rows: list[dict[str, Any]] = self.server.ask("rows", JOB, "id", "state", id__gt=self.marks.job)
        return rows

    def wait_for_failure(self, job_id: int, code: str) -> None:
        """Wait until an attempt failed, and see that it failed like this."""
        assert wait_until(lambda: bool(self.rig.job(job_id, "error_code")["error_code"]), 30)
        failed_as = self.rig.job(job_id, "error_code")["error_code"]
        assert failed_as == code, failed_as

    def seconds_until_attempt(self, job_id: int) -> float:
        """How long a job that failed waits for its next attempt."""
        job = self.rig.job(job_id, "attempted_at", "not_before")
        begun, again = (datetime.fromisoformat(job[name]) for name in ("attempted_at", "not_before"))
        return (again - begun).total_seconds()


Fault = Callable[[Scene], Iterator[None] | None]


@dataclass(frozen=True)
class Row:
    """A row of the table, and on which databases it makes a difference.

    It ends in success, or in the named failure; then the fault is healed, and the next sync has to succeed. Where the
    fault itself takes accounts away, ``purges`` says that the cloud holds none of the server until then.
    """

    name: str
    fault: Fault
    databases: tuple[str, ...] = DATABASES
    ends: str = "succeeded"
    purges: bool = False


ROWS: list[Row] = []


def row(name: str, **options: Any) -> Callable[[Fault], Fault]:
    """Declare a function to be the fault of a row; what follows its ``yield``, if it has one, heals what it left."""

    def declare(fault: Fault) -> Fault:
        ROWS.append(Row(name, fault, **options))
        return fault

    return declare


def run(rig: Rig, row: Row) -> list[str]:
    """Run one row on a rig; return what is wrong afterwards, nothing for a green row."""
    rig.heal()
    accounts = people.seats(next(rig.numbers))
    rig.import_seats(accounts)
    marks = rig.marks()
    scene = Scene(rig, marks, rig.seen(marks), accounts)
    healing = row.fault(scene) or iter(())
    next(healing, None)
    rig.settle()
    if row.ends == "succeeded":
        wrong = complaints(rig.seen(scene.marks), scene.marks, scene.expected(row.ends))
        next(healing, None)
        return wrong
    expected = Expected(row.ends, scene.held.consumed, scene.held.owners)
    if row.purges:
        expected = Scene(rig, marks, scene.held).expected(row.ends)
        scene.marks = replace(scene.marks, revision=0)
    wrong = complaints(rig.seen(scene.marks), scene.marks, expected)
    if not scene.is_explained(row.ends):
        wrong.append(f"{row.ends} is not explained")
    rig.line.calm()
    next(healing, None)
    marks = rig.marks()
    scene.request()
    rig.settle()
    after = complaints(rig.seen(marks), marks, scene.expected("succeeded"))
    next(healing, None)
    return [*wrong, *(f"healed: {each}" for each in after)]
