"""A connected server for the tests of the console; pytest loads this before Django is ready."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.licensesync.world import World


@pytest.fixture
def world(db: None) -> World:
    """Three seats, connected, license sync enabled."""
    made: World = import_module("tests.licensesync.world").make_world()
    return made
