"""As record_table.py, for the rows of tests/states/test_storage.py."""

import pytest

from tests.states import document
from tests.states.fixtures import lasting_scene
from tests.states.rows import Row
from tests.states.scene import Scene
from tests.states.table import ROWS

__all__ = ["lasting_scene"]


@pytest.mark.allow_hosts(["127.0.0.1", "::1"])
@pytest.mark.parametrize("row", [row for row in ROWS if row.commits], ids=str)
def test_write(lasting_scene: Scene, row: Row) -> None:
    document.write(row, document.seen(row, lasting_scene), ROWS)
