"""A whole SQLite database goes into a file, and comes back from one, while others may use it."""

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from django.core.management import call_command
from django.db import connection, connections

from config.archive import BackupInvalid
from enterprises import append_only
from enterprises.keys import check_keys

PATIENCE_SECONDS: Final = 30
_STAGED: Final = "staged"


class Busy(Exception):
    """Somebody else writes without end."""


def dump(path: Path) -> None:
    """Copy what is committed now."""
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        connection.connection.backup(copy)
        # One file and no log beside it.
        copy.execute("PRAGMA journal_mode=DELETE")


def applied_migrations(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as copy:
        return list(copy.execute("SELECT app, name FROM django_migrations ORDER BY id"))


def restore(path: Path, keys: Sequence[str]) -> None:
    """Bring a copy up to date, try the keys on it, and then put it in place of everything, in one transaction.

    :raises BackupInvalid: it is no sound database of ours
    :raises WrongEncryptionKey: ``keys`` do not open its secrets
    :raises Busy: the database is in use; nothing has changed
    """
    _check(path)
    connections.databases[_STAGED] = {**connection.settings_dict, "NAME": str(path)}
    try:
        call_command("migrate", database=_STAGED, verbosity=0, interactive=False)
        check_keys(using=_STAGED, keys=keys)
    finally:
        connections[_STAGED].close()
        del connections[_STAGED], connections.databases[_STAGED]
    deadline = time.monotonic() + PATIENCE_SECONDS

    def wait(_status: int, remaining: int, _total: int) -> None:
        if remaining and time.monotonic() > deadline:
            raise Busy

    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        copy.backup(connection.connection, progress=wait)
    connection.close()


def _check(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as copy:
            sound = copy.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            # We make no view, and these triggers alone: somebody else did, and they would run with our rights.
            made = copy.execute("SELECT sql FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall()
            foreign = {statement for (statement,) in made} - set(append_only.SQLITE.values())
    except sqlite3.DatabaseError as error:
        raise BackupInvalid("Its database is no SQLite database.") from error
    if not sound or foreign:
        raise BackupInvalid("Its database is damaged, or not one of this console.")
