"""Temporary tables: rows go in by bulk, set-based statements then work on them on either database."""

# ruff: noqa: S608  (Names of tables and columns are this project's own; every value is a parameter.)

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any, Final

from django.db import DatabaseError, connection

BIGINT: Final = "bigint"
BOOLEAN: Final = "boolean"
TEXT: Final = "text"

Columns = Mapping[str, str]
Value = bool | int | str | date | None
Row = tuple[Value, ...]

_PIECE = 10_000
_MANY = 2_000
# Autovacuum's own measure: a table that has changed by so many rows, and by such a share of them, is another one.
_FEW, _SHARE = 50, 0.1
_POSTGRESQL_TYPES = {BIGINT: "bigint", BOOLEAN: "boolean", TEXT: 'text COLLATE "C"'}
_SQLITE_TYPES = {BIGINT: "integer", BOOLEAN: "boolean", TEXT: "text"}
_COPY_TYPES = {BIGINT: "int8", BOOLEAN: "bool", TEXT: "text"}


def execute(sql: str, *parameters: Value) -> int:
    """Run one statement and return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        written: int = cursor.rowcount
        return max(written, 0)


def fetch_row(sql: str, *parameters: Value) -> tuple[Any, ...]:
    """Return the one row of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return tuple(cursor.fetchall()[0])


def fetch_rows(sql: str, *parameters: Value) -> list[tuple[Any, ...]]:
    """Return the few rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


@contextmanager
def temporary_table(name: str, columns: Columns, *, key: str = "") -> Iterator[None]:
    """Make a temporary table for the length of the block.

    ``key`` names the columns by which others look rows up. SQLite needs an index there;
    PostgreSQL, which knows the sizes (``analyze``), joins by hash and is faster without one.
    """
    is_postgresql = connection.vendor == "postgresql"
    types = _POSTGRESQL_TYPES if is_postgresql else _SQLITE_TYPES
    parts = [f"{column} {types[kind]}" for column, kind in columns.items()]
    if key and not is_postgresql:
        parts.append(f"PRIMARY KEY ({key})")
    execute(f"DROP TABLE IF EXISTS {name}")
    execute(f"CREATE TEMPORARY TABLE {name} ({', '.join(parts)})")
    try:
        yield
    except BaseException:
        # Inside a transaction the rollback takes the table along; a lost connection did so already.
        if not connection.in_atomic_block:
            with suppress(DatabaseError):
                execute(f"DROP TABLE IF EXISTS {name}")
        raise
    execute(f"DROP TABLE IF EXISTS {name}")


class Pieces:
    """Collects rows for a temporary table and writes them piece by piece."""

    def __init__(self, name: str, columns: Columns) -> None:
        """Start with nothing collected."""
        self._name = name
        self._columns = columns
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Take a row; it is written with its piece."""
        self._rows.append(row)
        if len(self._rows) >= _PIECE:
            self.finish()

    def finish(self) -> None:
        """Write what is left."""
        if self._rows:
            write_piece(self._name, self._columns, self._rows)
            self._rows.clear()


def write_piece(name: str, columns: Columns, rows: list[Row]) -> None:
    """Write one piece of rows."""
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {name} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types([_COPY_TYPES[kind] for kind in columns.values()])
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            with _sqlite_piece():
                cursor.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", rows)


@contextmanager
def _sqlite_piece() -> Iterator[None]:
    """Write a piece in one deferred transaction: it touches temporary tables only, so nobody waits for it."""
    if connection.in_atomic_block:
        yield
        return
    execute("BEGIN DEFERRED")
    try:
        yield
    except BaseException:
        execute("ROLLBACK")
        raise
    execute("COMMIT")


def analyze(name: str, *, index: str = "") -> None:
    """Tell PostgreSQL how much a temporary table holds; its planner guesses badly otherwise.

    ``index`` names a number by which rows will be looked up one by one where it still guesses badly.
    """
    if connection.vendor == "postgresql":
        if index:
            execute(f"CREATE INDEX ON {name} ({index})")
        execute(f"ANALYZE {name}")


def refresh_statistics(table: str, written: int) -> None:
    """Let PostgreSQL look at a table again after many rows, or a large share, were written, before they are joined.

    Otherwise it takes a server or an account that it has never seen for a handful of rows, and
    joins 200,000 of them in a loop. Autovacuum comes too late, and not into an open transaction.
    """
    if not written or connection.vendor != "postgresql":
        return
    believed = fetch_row("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", table)[0]
    if written >= min(_MANY, _FEW + believed * _SHARE):
        execute(f"ANALYZE {table}")
