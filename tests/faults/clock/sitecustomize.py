"""Moves the clock of the process that finds this folder on its PYTHONPATH; Python imports it before anything else.

``LICENSESYNC_TEST_CLOCK`` names a file with seconds, read at every look at the clock. What moves is what the product
calls the time: ``django.utils.timezone.now``. The monotonic clock, by which gunicorn tells a live worker, does not.

``LICENSESYNC_TEST_GATE`` names a file with a pattern: whoever is about to send the database a statement that has it,
with its parameters behind, waits until the file goes. So a test stops a process in the state that it shall die in.

``LICENSESYNC_TEST_PART_LINES`` is how many lines a part of a sync has at most, so that few accounts make several parts.
"""

import errno
import os
import re
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

_known: dict[Path, str] = {}


def read(file: Path) -> str:
    """Return what a file says, nothing where there is none, and what it said last where no file can be opened."""
    try:
        _known[file] = file.read_text()
    except FileNotFoundError:
        _known.pop(file, None)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
    return _known.get(file, "")


if name := os.environ.get("LICENSESYNC_TEST_CLOCK"):
    from django.utils import timezone

    offset = Path(name)
    right = timezone.now

    def moved() -> datetime:
        """Return the time as this host believes it to be; without the file it believes the truth."""
        return right() + timedelta(seconds=float(read(offset) or 0))

    timezone.now = moved

if name := os.environ.get("LICENSESYNC_TEST_GATE"):
    from django.db.backends.signals import connection_created

    gate = Path(name)

    def wait_at_gate(execute: Callable[..., Any], sql: str, params: Any, *others: Any) -> Any:
        """Send the statement once no gate is in its way; say who waits."""
        pattern = read(gate) if gate.exists() else ""
        if pattern and re.search(pattern, " ".join([sql, *map(str, params or ())])):
            gate.with_suffix(f".{os.getpid()}").touch()
            # Another gate is not in its way any more.
            while gate.exists() and read(gate) == pattern:
                time.sleep(0.005)
        return execute(sql, params, *others)

    def watch(connection: Any, **_later: Any) -> None:
        """Look at every statement of a new connection."""
        if wait_at_gate not in connection.execute_wrappers:
            connection.execute_wrappers.append(wait_at_gate)

    connection_created.connect(watch, weak=False)

ROOT = str(Path(__file__).resolve().parents[3])

if lines := os.environ.get("LICENSESYNC_TEST_PART_LINES"):
    sys.path.append(ROOT)
    from wire import parts

    parts.MAX_PART_LINES = int(lines)

if given := os.environ.get("LICENSESYNC_TEST_READ_SECONDS"):
    sys.path.append(ROOT)
    from enterprises.outbound import Outbound

    seconds = float(given)
    begin = Outbound.__init__

    def impatient(session: Outbound, **options: Any) -> None:
        """Wait for nothing longer than that, for a whole answer twice as long."""
        begin(session, **{**options, "read_timeout": seconds, "deadline": 2 * seconds})

    Outbound.__init__ = impatient  # type: ignore[assignment, method-assign]  # that is what it is for
