"""How a process of the project starts another one that must not outlive it."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with_parent(sign: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """For ``Popen(preexec_fn=...)``: the kernel sends ``sign`` to the child when the parent dies, however it dies.

    Linux only; elsewhere the child has to look after its parent itself. The C library is loaded here, before the
    fork, because a forked child must not import or allocate more than it has to.
    """
    if not sys.platform.startswith("linux"):
        return _nothing
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(_PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
        if os.getppid() != parent:
            # It died between the fork and the line above.
            os._exit(1)

    return before_exec


def _nothing() -> None:
    """Where the kernel has no such service."""
