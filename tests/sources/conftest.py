"""A server with three seats, and a GHES that stands in on loopback; pytest loads this before Django is ready."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tests.support.ghes import Ghes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connect.models import Server


@pytest.fixture
def server(db: None) -> Server:
    world = import_module("tests.licensesync.world")
    made: Server = world.make_server()
    world.seat(made, world.ndjson(range(1, 4)))
    return made


@pytest.fixture
def ghes() -> Iterator[Ghes]:
    with Ghes() as stand_in:
        yield stand_in
