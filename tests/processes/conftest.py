"""Gives each test a console of its own, and leaves nothing of it running."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.console import Console


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """Not started yet."""
    console = Console(tmp_path)
    yield console
    if not console.has_ended:
        console.stop()
