"""A database that is migrated once and copied wherever a test starts an installation of its own on SQLite."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

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
