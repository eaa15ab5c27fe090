"""Keeps a handful of processes running: starts them in order, restarts what dies, stops everything cleanly."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from config import watchdog
from config.children import end_with_parent

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# Whoever ran that long before it died starts again with the shortest pause.
HEALTHY_SECONDS = 30.0


@dataclass(frozen=True)
class Program:
    """What to run, and how long its stop may take before it is killed."""

    name: str
    command: Sequence[str]
    stop_seconds: float = 10.0
    is_ready: Callable[[], bool] | None = None


@dataclass
class Child:
    """A program and its present process."""

    program: Program
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    restart_at: float = 0.0
    pause: float = field(default=FIRST_PAUSE_SECONDS)


class NotStarted(Exception):
    """A program ended, or was not ready in time, while everything was being started."""


class Supervisor:
    """Runs programs until SIGTERM or SIGINT, then stops them in the order given to ``run``.

    Every process leads a session of its own, so that Ctrl-C reaches the supervisor alone and a stop is in order. None
    of them outlives it: the kernel ends them with their parent (Linux), and the watchdog ends what is left anywhere.
    """

    def __init__(self, environment: dict[str, str], folder: Path, say: Callable[[str], None]) -> None:
        self._environment = environment
        self._folder = folder
        self._say = say
        self._children: list[Child] = []
        self._stopping = threading.Event()
        self._voice = threading.Lock()
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", str(Path(watchdog.__file__))],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, self._ask_to_stop)

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def start(self, program: Program, seconds: float = 20.0) -> None:
        """Starts a program and waits until it is ready.

        :raises NotStarted: it ended at once or took too long
        """
        child = Child(program)
        self._children.append(child)
        self._spawn(child)
        deadline = time.monotonic() + seconds
        while program.is_ready is not None and not program.is_ready():
            if self._stopping.is_set():
                return
            if child.process is None or child.process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{program.name} did not start.")
            self._stopping.wait(0.05)

    def run(self, command: Sequence[str], output: IO[str]) -> int:
        """Runs a command to its end, or ends it when somebody asks to stop; answers its exit code."""
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
        self._tell_watchdog(f"+{process.pid}")
        while process.poll() is None:
            if self._stopping.wait(0.1):
                process.terminate()
                process.wait()
        self._tell_watchdog(f"-{process.pid}")
        return process.returncode

    def watch(self) -> None:
        """Restarts what dies until somebody asks to stop."""
        while not self._stopping.wait(0.2):
            for child in self._children:
                self._look_after(child)

    def stop(self, order: Sequence[str]) -> None:
        """Stops the named programs in that order, then whatever else runs, and lets go of the watchdog."""
        rank = {name: number for number, name in enumerate(order)}
        for child in sorted(self._children, key=lambda child: rank.get(child.program.name, len(rank))):
            self._stop(child)
        if self._watchdog.stdin is not None:
            self._watchdog.stdin.close()
        self._watchdog.wait(timeout=watchdog.PATIENCE_SECONDS * 2)

    def _ask_to_stop(self, _sign: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def _spawn(self, child: Child) -> None:
        process = subprocess.Popen(
            child.program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env=self._environment,
            start_new_session=True,
            preexec_fn=end_with_parent(),
        )
        child.process, child.started_at = process, time.monotonic()
        self._tell_watchdog(f"+{process.pid}")
        if process.stdout is not None:
            reader = threading.Thread(target=self._repeat, args=(child.program.name, process.stdout), daemon=True)
            reader.start()

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.restart_at:
                self._spawn(child)
            return
        code = child.process.poll()
        if code is None:
            return
        self._clear(child)
        child.pause = FIRST_PAUSE_SECONDS if now - child.started_at > HEALTHY_SECONDS else child.pause
        child.restart_at = now + child.pause
        self._line(child.program.name, f"ended with {_outcome(code)}; it starts again in {child.pause:.0f} s")
        child.pause = min(child.pause * 2, LONGEST_PAUSE_SECONDS)

    def _stop(self, child: Child) -> None:
        process = child.process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=child.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self._line(child.program.name, f"did not stop within {child.program.stop_seconds:.0f} s and is killed")
        self._clear(child)

    def _clear(self, child: Child) -> None:
        """Kills what the process left behind in its group, and forgets it."""
        if child.process is None:
            return
        watchdog.send(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self._tell_watchdog(f"-{child.process.pid}")
        child.process = None

    def _tell_watchdog(self, line: str) -> None:
        if self._watchdog.stdin is not None and self._watchdog.poll() is None:
            self._watchdog.stdin.write(f"{line}\n")
            self._watchdog.stdin.flush()

    def _repeat(self, name: str, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self._line(name, line.decode(errors="replace").rstrip())

    def _line(self, name: str, text: str) -> None:
        with self._voice:
            self._say(f"{name:<6} | {text}")


def _outcome(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"status {code}"


def own_environment(**changes: str) -> dict[str, str]:
    """The environment for programs of the project: like ours, and their output comes line by line."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **changes}
