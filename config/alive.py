"""A file whose age says that a process lives; run as a program, the health check of a worker or of beat.

It needs nothing but the standard library: a check that started the whole console every half minute would cost more
than beat does.
"""

import os
import sys
import time
from pathlib import Path

VARIABLE = "ALIVE_FILE"


def touch() -> None:
    """Give a sign of life, where somebody asked for a file of them."""
    if path := os.environ.get(VARIABLE):
        Path(path).touch()


def complaint(most_seconds: float) -> str:
    """What is wrong with the file that ``ALIVE_FILE`` names; empty where its last sign is recent enough."""
    path = os.environ.get(VARIABLE)
    if not path:
        return f"{VARIABLE} is not set."
    try:
        age = time.time() - Path(path).stat().st_mtime
    except OSError as error:
        return f"{path} cannot be looked at: {error.strerror}."
    return f"The last sign of life is {age:.0f} seconds old." if age > most_seconds else ""


if __name__ == "__main__":
    sys.exit(complaint(float(sys.argv[1])) or None)
