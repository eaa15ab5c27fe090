"""Write what a count makes of entries: one statement for each thing that becomes of them, however many there are.

Everything happens under the ledger's lock: who dismissed an entry at this very moment did so before.
"""

# ruff: noqa: S608  (Table names are this project's own; every value is a parameter.)

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from cloud.models import Ledger
from cloud.staging import BIGINT, TEXT, Columns, Row, Value, analyze, execute, fetch_rows, temporary_table, write_piece

_CHANGED: Final = "changed_entry"

_CONFIRMED_COLUMNS: Final = {"id": BIGINT, "license_id": BIGINT, "freed": BIGINT}
_CONFIRM: Final = f"""
UPDATE cloud_suspect SET
    state = 'confirmed', state_by_id = NULL, closed_revision = %s, licenses_freed = c.freed,
    first_key = '', second_key = '', first_license_id = c.license_id, second_license_id = NULL,
    evidence = '[]', fixes = '[]', awaited = NULL
FROM {_CHANGED} c WHERE cloud_suspect.id = c.id
"""

_READDRESSED_COLUMNS: Final = {
    "id": BIGINT,
    "identity": TEXT,
    "first_key": TEXT,
    "second_key": TEXT,
    "first_license_id": BIGINT,
    "second_license_id": BIGINT,
}
_KNOWN: Final = f"""
SELECT c.identity FROM {_CHANGED} c
JOIN cloud_suspect ON cloud_suspect.ledger_id = %s AND cloud_suspect.identity = c.identity
    AND NOT (cloud_suspect.state = 'confirmed')
"""
_READDRESS: Final = f"""
UPDATE cloud_suspect SET
    identity = c.identity, first_key = c.first_key, second_key = c.second_key,
    first_license_id = c.first_license_id, second_license_id = c.second_license_id, evidence = '[]', fixes = '[]'
FROM {_CHANGED} c WHERE cloud_suspect.id = c.id
"""

_FOLLOWED_COLUMNS: Final = {"id": BIGINT, "license_id": BIGINT}
_FOLLOW: Final = f"""
UPDATE cloud_suspect SET first_license_id = c.license_id FROM {_CHANGED} c WHERE cloud_suspect.id = c.id
"""

_PARTED_COLUMNS: Final = {"id": BIGINT}
_PART: Final = f"""
UPDATE cloud_suspect SET parted_revision = %s FROM {_CHANGED} c WHERE cloud_suspect.id = c.id
"""


def confirm(rows: Collection[Row], revision: int) -> None:
    """Close entries, given with the license of whom both are now and with how many licenses each freed."""
    _change(_CONFIRM, _CONFIRMED_COLUMNS, rows, revision)


def readdress(ledger: Ledger, rows: Collection[Row]) -> None:
    """Give entries other people: identity, two keys, two licenses. Of one pair there is one entry, the first."""
    if not rows:
        return
    with _changed(_READDRESSED_COLUMNS, rows):
        taken = {identity for (identity,) in fetch_rows(_KNOWN, ledger.pk)}
    free: dict[Value, Row] = {}
    for row in rows:
        if row[1] not in taken:
            free.setdefault(row[1], row)
    _change(_READDRESS, _READDRESSED_COLUMNS, free.values())


def follow(rows: Collection[Row]) -> None:
    """Let confirmed entries, given with a license or None, be that person's."""
    _change(_FOLLOW, _FOLLOWED_COLUMNS, rows)


def part(entries: Collection[int], revision: int) -> None:
    """Take back what entries freed."""
    _change(_PART, _PARTED_COLUMNS, [(pk,) for pk in entries], revision)


def _change(statement: str, columns: Columns, rows: Collection[Row], *parameters: Value) -> None:
    if rows:
        with _changed(columns, rows):
            execute(statement, *parameters)


@contextmanager
def _changed(columns: Columns, rows: Collection[Row]) -> Iterator[None]:
    with temporary_table(_CHANGED, columns, key="id"):
        write_piece(_CHANGED, columns, list(rows))
        analyze(_CHANGED)
        yield
