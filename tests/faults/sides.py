"""One side of a rig: the processes of an installation, how each of them is killed and comes back, and its helper."""

import os
import signal
import subprocess
import sys
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from config.children import end_with_parent
from tests.faults import clock
from tests.faults.asking import Helper
from tests.faults.limits import limited
from tests.support.console import is_gone, wait_until
from tests.support.hosts import ROOT, processes

TICKS = {"server": "licensesync.tick", "cloud": "cloud.tick"}
CELERY = ["celery", "--app", "config", "--quiet"]
PART_LINES = 10
READ_SECONDS = 5
PARTS = {"web": "gunicorn", "worker": " worker ", "beat": " beat ", "broker": "valkey"}


class Side(ABC):
    """An installation that runs: web, worker, beat and broker, a clock of its own, and a helper beside it."""

    def __init__(self, role: str, folder: Path) -> None:
        self.role, self.folder = role, folder
        self.offset = 0.0
        self._clock = folder / f"{role}-clock"
        self._gate = folder / f"{role}-gate"
        self.environment: dict[str, str] = {}
        self.port = 0
        self._helper: Helper | None = None
        self._extras: list[subprocess.Popen[bytes]] = []

    @property
    def own_variables(self) -> dict[str, str]:
        """What every process of the side is started with besides what an operator sets."""
        return {
            **clock.variables(self._clock),
            "LICENSESYNC_TEST_GATE": str(self._gate),
            "LICENSESYNC_TEST_PART_LINES": str(PART_LINES),
            "LICENSESYNC_TEST_READ_SECONDS": str(READ_SECONDS),
        }

    @property
    def url(self) -> str:
        """Where people find it, unless something stands before it."""
        return self.environment["BASE_URL"]

    def ask(self, call: str, *words: Any, **options: Any) -> Any:
        """Have the helper do it."""
        return self.helper(call, *words, **options)

    @property
    def helper(self) -> Helper:
        if self._helper is None:
            self._helper = Helper(self.environment, self.folder / f"{self.role}-helper.log")
        return self._helper

    def manage(self, *words: str) -> str:
        (printed,) = self.ask("manage", words)
        return str(printed)

    def tick(self) -> bool:
        """What beat sends every minute."""
        return bool(self.ask("send", TICKS[self.role]))

    def move_clock(self, seconds: float) -> None:
        """Put the side's clock so far off the right time."""
        self.offset = seconds
        clock.move(self._clock, seconds)

    @contextmanager
    def gate(self, statement: str) -> Iterator["Side"]:
        """Whoever is about to send such a statement to the database, a pattern, waits until the block ends."""
        for waiter in self.waiters():
            waiter.unlink()
        draft = self._gate.with_name(f"{self.role}-draft")
        draft.write_text(statement)
        draft.replace(self._gate)
        try:
            yield self
        finally:
            self.open_gate()

    def wait_at_gate(self, number: int = 1) -> list[int]:
        """Wait until so many processes wait there, and return their ids."""
        assert wait_until(lambda: len(self.waiters()) >= number, 30), f"nobody came to the gate\n{self.log()}"
        return [int(waiter.suffix[1:]) for waiter in self.waiters()]

    def open_gate(self) -> None:
        self._gate.unlink(missing_ok=True)

    def waiters(self) -> list[Path]:
        """The signs of those who wait at the gate."""
        return list(self.folder.glob(f"{self._gate.name}.*"))

    @abstractmethod
    def pids(self, part: str) -> list[int]:
        """The processes that lead the groups of a part (web, worker, beat, broker)."""

    def send(self, part: str, sign: signal.Signals) -> list[int]:
        """Send a signal to a part and all of its processes."""
        pids = self.pids(part)
        assert pids, f"no {part} runs on the {self.role}"
        for pid in pids:
            os.killpg(pid, sign)
        return pids

    def kill(self, part: str) -> None:
        """Kill a part, all of its processes at once, and wait until they are gone."""
        pids = self.send(part, signal.SIGKILL)
        assert wait_until(lambda: all(is_gone(pid) for pid in pids), 10)

    def kill_hands(self) -> None:
        """Kill the processes that do the worker's work; the one that leads them sees it, and forks others."""
        (leader,) = self.pids("worker")
        hands = [pid for pid, parent, _command in processes() if parent == leader]
        assert hands, f"the worker has nobody who works\n{self.log()}"
        for pid in hands:
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: all(is_gone(pid) for pid in hands), 10)

    @contextmanager
    def paused(self, part: str) -> Iterator[None]:
        """A part that stands still, as on a machine that sleeps."""
        self.send(part, signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(part, signal.SIGCONT)

    @abstractmethod
    def revive(self, part: str) -> None:
        """Have a killed part running again."""

    @contextmanager
    def limited(self, part: str, kind: int) -> Iterator[None]:
        """A part whose processes reached a limit (RLIMIT_NOFILE, RLIMIT_FSIZE): nothing more is opened, or written."""
        with limited(lambda: self._processes_of(part), kind):
            yield

    def _processes_of(self, part: str) -> list[int]:
        leaders = self.pids(part)
        return leaders + [pid for pid, parent, _command in processes() if parent in leaders]

    @abstractmethod
    def stopped(self) -> AbstractContextManager[None]:
        """A time in which neither web nor worker nor beat runs."""

    def revive_all(self) -> None:
        """Have every part running."""
        for part in PARTS:
            if not self.pids(part):
                self.revive(part)

    @abstractmethod
    def empty_broker(self) -> None:
        """Kill the broker, and have it come back without a single message."""

    @abstractmethod
    def without_broker(self) -> AbstractContextManager[None]:
        """A time in which the broker does not answer."""

    @contextmanager
    def more(self, part: str, number: int = 1) -> Iterator[None]:
        """So many more workers or beats beside those that run."""
        before = self.ask("workers")
        started = [self._start_one_more(part, each) for each in range(number)]
        try:
            if part == "worker":
                assert wait_until(lambda: self.ask("workers") == before + number, 30)
            yield
        finally:
            for process in started:
                os.killpg(process.pid, signal.SIGKILL)
            for process in started:
                process.wait(timeout=30)

    def _start_one_more(self, part: str, number: int) -> "subprocess.Popen[bytes]":
        options = ["--loglevel", "WARNING"]
        if part == "worker":
            options += ["--hostname", f"more-{number}@%h"]
        else:
            options += ["--schedule", str(self.folder / f"{self.role}-more-beat-{number}")]
        with (self.folder / f"{self.role}-more-{part}-{number}.log").open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *CELERY, part, *options],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

    def collect_static(self) -> None:
        """Have pages find their style sheets, as the image has them from its build."""
        if not (Path(self.environment["LICENSESYNC_DATA_DIR"]) / "static" / "staticfiles.json").exists():
            self.ask("manage", ["collectstatic", "--noinput", "--verbosity=0"])

    def answers(self, path: str = "/healthz") -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @abstractmethod
    def start(self, stack: ExitStack) -> None:
        """Start it, wait until it answers, and leave on the stack what ends it."""

    @abstractmethod
    def log(self) -> str:
        """What its processes said."""
