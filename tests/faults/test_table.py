"""The table of faults, row by row: real processes that really fail, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.faults.rig import Rig
from tests.faults.rigs import running_rig
from tests.faults.rows import DATABASES, Row, run
from tests.faults.table import ROWS

# Both sides start once for each database, in the one worker that runs all of its rows.
CASES = [
    pytest.param(database, row, id=f"{database}-{row.name}", marks=pytest.mark.xdist_group(f"faults-{database}"))
    for database in DATABASES
    for row in ROWS
    if database in row.databases
]


@pytest.fixture(scope="module")
def rig_on() -> Iterator[Callable[[str], Rig]]:
    """Not a fixture with parameters: pytest would start another rig for each row."""
    with ExitStack() as stack:
        yield cache(lambda database: stack.enter_context(running_rig(database)))


@pytest.mark.parametrize(("database", "row"), CASES)
def test_fault(database: str, row: Row, rig_on: Callable[[str], Rig]) -> None:
    assert run(rig_on(database), row) == []
