"""Ends the processes of a supervisor that died without stopping them. Needs nothing but the standard library.

The supervisor writes ``+123`` when it starts a process group and ``-123`` when that group is gone. When it dies,
however it dies, its end of the pipe closes: whatever is still listed is asked to end, and killed after a while.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

PATIENCE_SECONDS = 10.0


def orphans(lines: Iterable[str]) -> list[int]:
    """The process groups that are left when the lines end, the latest first."""
    groups: list[int] = []
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.append(group)
        elif group in groups:
            groups.remove(group)
    return groups[::-1]


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS says this of a group of which only zombies are left.
        return False
    return True


def send(group: int, sign: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, sign)


def end(groups: list[int]) -> None:
    for group in groups:
        send(group, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(is_alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.1)
    for group in groups:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    # Whoever stops the supervisor stops it alone; this process ends by itself when the pipe closes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end(orphans(sys.stdin))
