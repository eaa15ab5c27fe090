"""What every source hands to the importer: bytes as they come, and a failure where they end too early."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from licensesync.seats.reading import Stream
from licensesync.sources.failure import SourceFailure

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A list that is there to be read, and when it was made."""

    stream: Stream
    taken_at: datetime


Consume = Callable[[Listed], ResultT]


class WholeLines:
    """A stream whose last line has to end: a cut one would pass for a whole one.

    ``renew`` is called before each read, so that whoever reads slowly keeps its claim. ``is_unchanged`` is asked at
    the end of a stream that somebody may be writing.
    """

    def __init__(
        self, stream: Stream, *, renew: Callable[[], None], is_unchanged: Callable[[], bool] = lambda: True
    ) -> None:
        self._stream = stream
        self._renew = renew
        self._is_unchanged = is_unchanged
        self._last = b""

    def read(self, size: int, /) -> bytes:
        """Return what is there, at most ``size`` bytes; none at the end.

        :raises SourceFailure: it ended in the middle of a line, or was changed meanwhile
        """
        self._renew()
        chunk = self._stream.read(size)
        if chunk:
            self._last = chunk[-1:]
        elif (self._last and self._last != b"\n") or not self._is_unchanged():
            raise SourceFailure("source_unfinished")
        return chunk
