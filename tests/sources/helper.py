"""What the tests of sources do to a server: choose its source, refresh, and read what came of it."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import pytest

from connect.models import Server
from licensesync.models import Seat, SeatSource, SourceConfig
from licensesync.seats.changes import SeatChange
from licensesync.sources.choosing import Choice, choose
from licensesync.sources.failure import SourceFailure
from licensesync.sources.files import folder_of
from licensesync.sources.refreshing import Refresher
from tests.factories import NOW
from tests.licensesync.world import Clock
from tests.support.ghes import Ghes
from tests.support.ghes_behavior import TOKEN, USER


def from_ghes(server: Server, ghes: Ghes, **choice: Any) -> SourceConfig:
    values = {"base_url": ghes.url, "user_name": USER, "token": TOKEN, **choice}
    chosen = Choice(kind=SeatSource.Kind.GHES, **values)
    return choose(server=server, choice=chosen, by=None, at=NOW, is_operator=True)


def from_file(server: Server, data: bytes, *, made_at: datetime = NOW, path: str = "all_users.csv") -> SourceConfig:
    """Put a file into the server's folder, as whoever runs the machine does, and choose it."""
    write_file(server, data, made_at=made_at, path=path)
    return choose(server=server, choice=Choice(kind=SeatSource.Kind.FILE, path=path), by=None, at=NOW)


def write_file(server: Server, data: bytes, *, made_at: datetime = NOW, path: str = "all_users.csv") -> None:
    place = folder_of(server) / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    os.utime(place, (made_at.timestamp(), made_at.timestamp()))


def refresh(server: Server, *, clock: Clock | None = None, allow_shrink: bool = False) -> SeatChange | None:
    """One refresh whose waiting moves the clock."""
    at = clock or Clock()

    def wait(seconds: float) -> None:
        at.move(seconds=seconds)

    return Refresher(clock=at, wait=wait).refresh(server, allow_shrink=allow_shrink)


def failure_of(server: Server) -> SourceFailure:
    """The failure of a refresh, after a look that nothing of it was used and that it is kept."""
    before = held(server)
    with pytest.raises(SourceFailure) as caught:
        refresh(server)
    assert held(server) == before
    config = SourceConfig.objects.get(server=server)
    assert (config.error_code, config.error) == (caught.value.code, caught.value.detail)
    assert (config.lease_until, config.attempted_at) == (None, NOW)
    return caught.value


def held(server: Server) -> list[tuple[int, str, bool]]:
    seats = Seat.objects.filter(server=server).order_by("user_id")
    return list(seats.values_list("user_id", "primary_email", "is_license_consuming"))
