"""A database that is migrated once and copied wherever a test starts an installation of its own on SQLite."""

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "licensesync.sqlite3"


def put_migrated_database(data: Path) -> None:
    """Leaves in the data folder what the first ``migrate`` leaves there, unless a database lies there already.

    How an empty folder is migrated, tests/processes/test_up.py shows.
    """
    if (data / NAME).exists():
        return
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(_migrated_once(), data / NAME)


@contextmanager
def migrated_in_memory() -> Iterator[None]:
    """A time in which a test database in memory begins with what the first ``migrate`` leaves; another does nothing."""
    from django.db.backends.sqlite3.creation import DatabaseCreation

    create: Any = vars(DatabaseCreation)["_create_test_db"]
    held: list[sqlite3.Connection] = []

    def create_filled(creation: DatabaseCreation, *args: Any, **options: Any) -> str:
        name: str = create(creation, *args, **options)
        # It is there as long as somebody is connected.
        held.append(sqlite3.connect(name, uri=True))
        with closing(sqlite3.connect(_migrated_once())) as migrated:
            migrated.backup(held[-1])
        return name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseCreation, "_create_test_db", create_filled)
        yield
    for connection in held:
        connection.close()


def _migrated_once() -> Path:
    """Its file in the data folder of the suite, which all workers share."""
    shared = Path(os.environ["LICENSESYNC_DATA_DIR"])
    made = shared / "migrated" / NAME
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            in_work = shared / "migrating"
            environment = {"PATH": os.defpath, "LICENSESYNC_DATA_DIR": str(in_work), "LICENSESYNC_ROLE": "both"}
            command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
            in_work.rename(made.parent)
    return made
