"""Writes the tables of docs/operations.md anew from what the rows see: ``make states``; ARGS="-k WORD" for some lines.

No test: what it writes is what the tests beside it compare with.
"""

import pytest

from tests.states import document
from tests.states.fixtures import scene, world
from tests.states.rows import Row
from tests.states.scene import Scene
from tests.states.table import ROWS

__all__ = ["scene", "world"]


@pytest.mark.allow_hosts(["127.0.0.1", "::1"])
@pytest.mark.parametrize("row", [row for row in ROWS if not row.commits], ids=str)
def test_write(scene: Scene, row: Row) -> None:
    document.write(row, document.seen(row, scene), ROWS)
