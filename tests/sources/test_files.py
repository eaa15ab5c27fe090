"""A watched file as the source: read when it changed, and never anything but a plain file in the server's folder."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError

from connect.models import Server
from licensesync.models import SeatSource, SourceConfig
from licensesync.sources import files
from licensesync.sources.asking import waiting
from licensesync.sources.choosing import Choice, choose
from licensesync.sources.files import folder_of
from tests.factories import NOW
from tests.licensesync.world import Clock, ndjson, seat
from tests.sources.helper import failure_of, from_file, held, refresh, write_file
from tests.support.ghes_behavior import line, report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)


def test_file_is_as_old_as_its_last_change_and_read_again_only_after_one(server: Server) -> None:
    made_at = NOW - timedelta(days=3)
    from_file(server, ndjson(range(1, 6)), made_at=made_at)
    first = refresh(server)
    source = SeatSource.objects.get(server=server)
    assert first is not None
    assert (first.added, source.kind, source.taken_at) == (2, "file", made_at)

    assert refresh(server) is None
    write_file(server, report(line(1), line(2)), made_at=NOW)
    second = refresh(server)

    assert second is not None
    assert second.removed == 3


def test_file_is_read_although_unchanged_where_somebody_imported_meanwhile(server: Server) -> None:
    from_file(server, ndjson([1]))
    refresh(server)
    seat(server, ndjson([1, 2]))

    refresh(server)

    assert len(held(server)) == 1


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../other/all.csv", "a/../../all.csv", "a\0b", "x" * 300, ".", f"ghp_{'a' * 36}"],
)
def test_path_out_of_the_folder_is_refused(server: Server, path: str) -> None:
    with pytest.raises(ValidationError, match="below the folder"):
        choose(server=server, choice=Choice(kind=SeatSource.Kind.FILE, path=path), by=None, at=NOW)


@pytest.mark.parametrize("place", ["all_users.csv", "below/all_users.csv"])
def test_link_is_not_followed_wherever_it_stands(server: Server, tmp_path: Path, place: str) -> None:
    from_file(server, ndjson([1]), path=place)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "all_users.csv").write_bytes(ndjson([1]))
    linked = folder_of(server) / place.partition("/")[0]
    linked.rename(tmp_path / "moved")
    linked.symlink_to(outside if "/" in place else outside / "all_users.csv")
    assert failure_of(server).code == "source_file_refused"


def test_pipe_and_folder_are_no_files_and_keep_nobody_waiting(server: Server) -> None:
    from_file(server, ndjson([1]))
    place = folder_of(server) / "all_users.csv"
    place.unlink()
    assert failure_of(server).code == "source_file_missing"

    os.mkfifo(place)
    assert failure_of(server).code == "source_file_refused"
    place.unlink()
    place.mkdir()
    assert failure_of(server).code == "source_file_refused"


def test_file_that_is_being_written_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from_file(server, ndjson([1, 2, 3])[:-9])
    assert failure_of(server).code == "source_unfinished"

    write_file(server, ndjson([1]))
    as_seen = files._mark
    seen: list[str] = []

    def growing(state: os.stat_result) -> str:
        seen.append(as_seen(state))
        return f"{seen[-1]}:{len(seen)}"

    monkeypatch.setattr(files, "_mark", growing)
    assert failure_of(server).code == "source_unfinished"


def test_file_over_the_limit_is_not_read(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from_file(server, ndjson([1]))
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    assert failure_of(server).code == "source_too_large"


def test_tick_asks_for_a_file_that_changed_once_it_has_settled(server: Server) -> None:
    config = from_file(server, ndjson([1]))
    assert waiting(NOW + timedelta(seconds=10)) == []
    assert waiting(NOW + timedelta(seconds=40)) == [config.pk]

    refresh(server, clock=Clock(NOW + timedelta(minutes=1)))
    assert waiting(NOW + timedelta(minutes=2)) == []

    (folder_of(server) / "all_users.csv").unlink()
    assert waiting(NOW + timedelta(minutes=3)) == [config.pk]
    assert failure_of(server).code == "source_file_missing"
    assert waiting(NOW + timedelta(minutes=4)) == []


def test_folder_is_the_servers_own(server: Server) -> None:
    assert folder_of(server) == Path(settings.DATA_DIR) / "seats" / server.enterprise.slug
    assert SourceConfig.objects.count() == 0
