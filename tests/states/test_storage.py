"""What the database itself refuses: the rows whose failure ends a real transaction."""

import pytest

from tests.states import document
from tests.states.fixtures import lasting_scene
from tests.states.rows import Row
from tests.states.scene import Scene
from tests.states.table import ROWS

__all__ = ["lasting_scene"]
pytestmark = [pytest.mark.sqlite, pytest.mark.allow_hosts(["127.0.0.1", "::1"]), pytest.mark.xdist_group("states")]


@pytest.mark.parametrize("row", [row for row in ROWS if row.commits], ids=str)
def test_page_says_what_the_document_says(lasting_scene: Scene, row: Row) -> None:
    assert document.seen(row, lasting_scene) == document.lines(row.is_state).get(document.key_of(row))
