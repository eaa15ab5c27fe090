"""A clock that a test sets, for processes of the product: what to start them with, and how to move it."""

from pathlib import Path


def variables(file: Path) -> dict[str, str]:
    """Return the environment of processes whose clock is as far off as ``file`` says, once there is one."""
    return {"PYTHONPATH": str(Path(__file__).parent), "LICENSESYNC_TEST_CLOCK": str(file)}


def move(file: Path, seconds: float) -> None:
    """Put the clocks that follow ``file`` forward, or back; 0 is the right time."""
    written = file.with_suffix(".written")
    written.write_text(str(seconds))
    # At once: nobody must find half a number.
    written.replace(file)
