"""Put the accounts of a file into a temporary table, outside of any long transaction.

A temporary table takes no lock that another writer would wait for, on either database.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.utils.translation import gettext as _

from licensesync.seats.rows import SeatRow, SeatsInvalid

TABLE: Final = "seat_staging"
BATCH: Final = 10_000
COLUMNS: Final = SeatRow._fields[1:]
_TYPES: Final = (
    "int8",
    "int8",
    "text",
    "text",
    "text",
    "bool",
    "bool",
    "bool",
    "timestamptz",
    "timestamptz",
    "text",
    "text",
)

Progress = Callable[[int], None]
"""Is told how many accounts were just staged."""


@contextmanager
def staged(rows: Iterable[SeatRow], progress: Progress | None = None) -> Iterator[None]:
    """Hold the accounts in the staging table for the length of the block.

    :raises SeatsInvalid: a line that is no good, or an id that stands twice
    """
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        cursor.execute(_as_the_seats())
    try:
        _fill(rows, progress or (lambda _count: None))
        _refuse_duplicates()
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE UNIQUE INDEX {TABLE}_user_id ON {TABLE} (user_id)")
            if connection.vendor == "postgresql":
                cursor.execute(f"ANALYZE {TABLE}")
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")


def _as_the_seats() -> str:
    """Columns with the types and the collation of the seats, and the line number before them."""
    columns = ", ".join(COLUMNS)
    return (
        f"CREATE TEMPORARY TABLE {TABLE} AS "  # noqa: S608
        f"SELECT CAST(0 AS bigint) AS number, {columns} FROM licensesync_seat WHERE 1 = 0"
    )


def _fill(rows: Iterable[SeatRow], progress: Progress) -> None:
    write = _copy if connection.vendor == "postgresql" else _insert
    remaining = iter(rows)
    # A batch is read whole before it is written, so that a bad line never breaks a COPY under way.
    while batch := list(itertools.islice(remaining, BATCH)):
        write(batch)
        progress(len(batch))


def _copy(batch: list[SeatRow]) -> None:
    columns = ", ".join(SeatRow._fields)
    with connection.cursor() as cursor, cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(_TYPES)
        for row in batch:
            copy.write_row(row)


def _insert(batch: list[SeatRow]) -> None:
    places = ", ".join(["%s"] * len(SeatRow._fields))
    # Times as Django writes them, so that they compare equal to those held.
    stored = connection.ops.adapt_datetimefield_value
    rows: list[list[Any]] = [
        [stored(value) if isinstance(value, datetime) else value for value in row] for row in batch
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {TABLE} VALUES ({places})", rows)  # noqa: S608


def _refuse_duplicates() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT user_id, MIN(number), MAX(number) FROM {TABLE} "  # noqa: S608
            "GROUP BY user_id HAVING COUNT(*) > 1 ORDER BY MAX(number) LIMIT 1"
        )
        found = cursor.fetchone()
    if found:
        user_id, first, again = found
        reason = _("the id %(id)d stands on line %(line)d already") % {"id": user_id, "line": first}
        raise SeatsInvalid(again, reason)
