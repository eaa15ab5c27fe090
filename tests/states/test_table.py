"""Every state and every failure, brought about and read on the page; the document says what was read."""

import pytest

from licensesync import failures
from licensesync.state.codes import StateCode
from tests.states import document
from tests.states.fixtures import scene, world
from tests.states.rows import Row
from tests.states.scene import Scene
from tests.states.table import ROWS
from wire.messages import ErrorCode

__all__ = ["scene", "world"]
pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.allow_hosts(["127.0.0.1", "::1"]),
    pytest.mark.xdist_group("states"),
]

# Explained, and no end of anything that an owner waits for. The client says not_authorized instead; a sync begins anew,
# and a copy that goes on being quicker is told as revision_conflict; a line in a job's log.
NO_ENDS = {ErrorCode.BAD_CREDENTIALS, ErrorCode.SUPERSEDED, "base_changed"}


@pytest.mark.parametrize("row", [row for row in ROWS if not row.commits], ids=str)
def test_page_says_what_the_document_says(scene: Scene, row: Row) -> None:
    assert document.seen(row, scene) == document.lines(row.is_state).get(document.key_of(row))


@pytest.mark.parametrize("is_state", [True, False], ids=["states", "failures"])
def test_document_has_no_line_that_no_row_proves(is_state: bool) -> None:
    proved = [document.key_of(row) for row in ROWS if row.is_state == is_state]

    assert list(document.lines(is_state)) == proved


def test_every_state_has_a_row() -> None:
    assert {row.code for row in ROWS if row.is_state} == set(StateCode)


def test_every_failure_has_a_row() -> None:
    explained = {*failures.all_failures(), *failures.ENDINGS} - NO_ENDS

    assert explained - {row.code for row in ROWS if not row.is_state} == set()
