"""Read a long file in one moment, then hand it out as slowly as somebody takes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import Final

from django.db import connection, transaction

from cloud.staging import execute

_IN_MEMORY: Final = 2**20
_PIECE: Final = 2**16


def spooled(lines: Iterator[str]) -> Iterator[str]:
    """The same text, all of it from one state of the books: a sync that commits meanwhile changes nothing of it.

    Read into a temporary file first, so that no transaction stays open for a slow reader.
    """
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="") as file:
        with _one_moment():
            for line in lines:
                file.write(line)
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


@contextmanager
def _one_moment() -> Iterator[None]:
    """A transaction that reads one state and locks nothing; within another one it is that one's."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        # By hand, since Django's transactions begin with the lock of all writers.
        execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            execute("ROLLBACK")
