"""Look at the beginning of what somebody sends, and still have it read from its beginning."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

from wire.usage_reading import MAX_HEAD_BYTES

if TYPE_CHECKING:
    from typing_extensions import Buffer


def buffered(stream: IO[bytes]) -> io.BufferedReader:
    """Return the bytes of a request or a file, so that a head can be looked at before it is read."""
    return io.BufferedReader(_Raw(stream), MAX_HEAD_BYTES)


class _Raw(io.RawIOBase):
    """Reads that are as long as they were asked for until the end comes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target) and (piece := self._stream.read(len(target) - filled)):
            target[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled
