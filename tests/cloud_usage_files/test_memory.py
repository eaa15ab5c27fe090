"""A file is read once, and never held whole."""

import io
import tracemalloc
from pathlib import Path

import pytest

from tests.support.usage_files import FileServer, lines_for
from wire.usage_reading import read_head, read_pieces

ROOM = 1024 * 1024


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of several pieces, larger than the room that there is for reading it."""
    path = tmp_path_factory.mktemp("usage") / "usage.json"
    path.write_bytes(
        FileServer().file(lines_for((number, f"{'u' * 60}{number}@octo.example") for number in range(1, 20_001)))
    )
    return path


class Once(io.FileIO):
    """A stream that cannot go back."""

    def seekable(self) -> bool:
        return False


def test_file_is_read_piece_by_piece(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wire.usage_reading.MAX_PART_LINES", 1_000)
    with io.BufferedReader(Once(large)) as stream:
        head = read_head(stream)
        tracemalloc.start()
        try:
            accounts = sum(piece.lines for piece in read_pieces(stream, head.header))
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert accounts == 20_000
    assert peak < ROOM < large.stat().st_size
