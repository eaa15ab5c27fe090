"""The rows of the table of faults: what happens, and how each of them is run and judged."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.faults import people
from tests.faults.rig import SLUG, Rig
from tests.faults.sides import Side
from tests.faults.verdict import Expected, complaints

DATABASES = ("postgres", "sqlite")


@dataclass
class Scene:
    """One row at work: fresh seats that no cloud has seen, and what the row does to a sync of them.

    ``accounts`` are those that the cloud holds at the end, where the row changes that.
    """

    rig: Rig
    accounts: dict[int, str] = field(default_factory=dict)

    @property
    def server(self) -> Side:
        return self.rig.server

    @property
    def cloud(self) -> Side:
        return self.rig.cloud

    def request(self, *, tells: bool = True, **options: Any) -> int:
        """Sync now; unless it ``tells``, no worker hears of it before the next tick."""
        return int(self.server.ask("request", SLUG, tells=tells, **options))


@dataclass(frozen=True)
class Row:
    """A row of the table, and on which databases it makes a difference."""

    name: str
    fault: Callable[[Scene], None]
    databases: tuple[str, ...] = DATABASES
    ends: str = "succeeded"


ROWS: list[Row] = []


def row(name: str, **options: Any) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Declare a function to be the fault of a row; it also heals it. What is left to be done is waited for."""

    def declare(fault: Callable[[Scene], None]) -> Callable[[Scene], None]:
        ROWS.append(Row(name, fault, **options))
        return fault

    return declare


def run(rig: Rig, row: Row) -> list[str]:
    """Run one row on a rig; return what is wrong afterwards, nothing for a green row."""
    rig.heal()
    accounts = people.seats(next(rig.numbers))
    rig.import_seats(accounts)
    marks = rig.marks()
    held = rig.seen(marks)
    scene = Scene(rig, accounts)
    row.fault(scene)
    rig.settle()
    if row.ends == "succeeded":
        world = people.world(ghes1=scene.accounts)
        expected = Expected(row.ends, people.count(world), people.owners(world))
    else:
        expected = Expected(row.ends, held.consumed, held.owners)
    return complaints(rig.seen(marks), marks, expected)
