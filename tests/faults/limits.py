"""Limits of the operating system that processes reach while they run; only Linux lets another process set them."""

import itertools
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def limited(pids: Callable[[], list[int]], kind: int, **who: Any) -> Iterator[None]:
    """Processes that reached a limit of the operating system, one and all; ``who`` are they, where that is another."""

    def limit(softs: dict[int, int]) -> None:
        for pid, soft in softs.items():
            # It may have died of it.
            with suppress(ProcessLookupError):
                resource.prlimit(pid, kind, (soft, resource.prlimit(pid, kind)[1]))

    def limit_as_they(softs: dict[int, int]) -> None:
        subprocess.run(["true"], preexec_fn=lambda: limit(softs), check=True, **who)

    before, _hard = resource.getrlimit(kind)
    limit_as_they({pid: _next_file(pid) if kind == resource.RLIMIT_NOFILE else 1 for pid in pids()})
    try:
        yield
    finally:
        # Those, too, that were forked under the limit.
        limit_as_they(dict.fromkeys(pids(), before))


def _next_file(pid: int) -> int:
    """The number that the next file gets which a process opens."""
    used = {int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()}
    return next(number for number in itertools.count() if number not in used)
