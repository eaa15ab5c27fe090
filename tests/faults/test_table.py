"""The table of faults, row by row: real processes that really fail, on both databases."""

from collections.abc import Iterator

import pytest

from tests.faults.rig import Rig, running_rig
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
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with running_rig(request.param) as rig:
        yield rig


@pytest.mark.parametrize(("rig", "row"), CASES, indirect=["rig"])
def test_fault(rig: Rig, row: Row) -> None:
    assert run(rig, row) == []
