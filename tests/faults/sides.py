"""One side of a rig: the processes of an installation, how each of them is killed and comes back, and its helper."""

import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from typing import Any

from config.children import end_with_parent
from tests.faults import clock
from tests.support import compose
from tests.support.console import is_gone, wait_until
from tests.support.hosts import ROOT, Host, processes
from tests.support.services import Service, start_valkey

TICKS = {"server": "licensesync.tick", "cloud": "cloud.tick"}
CELERY = ["celery", "--app", "config", "--quiet"]
PART_LINES = 10
READ_SECONDS = 5
PARTS = {"web": "gunicorn", "worker": " worker ", "beat": " beat ", "broker": "valkey"}


class HelperError(AssertionError):
    """What the helper was asked to do went wrong there."""


class Helper:
    """The long-lived process of ``tests.faults.helper``."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.helper"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=end_with_parent(),
            )
        self._log = log

    def begin(self, call: str, *words: Any, **options: Any) -> None:
        """Ask, and let it work; the answer is fetched by ``end``, before the next question."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"call": call, "words": words, "options": options}) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise HelperError(f"The helper ended:\n{self._log.read_text()}")
        answered = json.loads(line)
        if "error" in answered:
            raise HelperError(answered["error"])
        return answered["answer"]

    def __call__(self, call: str, *words: Any, **options: Any) -> Any:
        self.begin(call, *words, **options)
        return self.end()

    def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)
        assert self._process.stdout is not None
        self._process.stdout.close()


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
        for waiter in self._waiters():
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
        assert wait_until(lambda: len(self._waiters()) >= number, 30), f"nobody came to the gate\n{self.log()}"
        return [int(waiter.suffix[1:]) for waiter in self._waiters()]

    def open_gate(self) -> None:
        self._gate.unlink(missing_ok=True)

    def _waiters(self) -> list[Path]:
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


class ComposeSide(Side):
    """The services of docker-compose.yml, each as one process and what it forks, on PostgreSQL."""

    def __init__(self, role: str, folder: Path, database_url: str, **environment: str) -> None:
        super().__init__(role, folder)
        broker_folder = folder / f"{role}-broker"
        broker_folder.mkdir()
        self.broker_folder = broker_folder
        self.broker: Service
        self.broker, redis_url = start_valkey(broker_folder)
        side = "cloud-" if role == "cloud" else ""
        self.services = compose.Side(side, folder, database_url, redis_url)
        self.port = self.services.port
        self.environment = self.services.environment
        self.environment |= self.own_variables | environment

    def start(self, stack: ExitStack) -> None:
        stack.callback(self.broker.kill)
        stack.callback(self._stop_services)
        self.services.start(workers=1)
        stack.callback(self.helper.stop)
        assert wait_until(self.answers), self.log()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self._stop_services()
        yield
        self.services.start(workers=1)
        assert wait_until(self.answers), self.log()

    def _stop_services(self) -> None:
        for name in self.services.running:
            if self.services.running[name].poll() is None:
                os.killpg(self.services.running[name].pid, signal.SIGKILL)
        for process in self.services.running.values():
            process.wait(timeout=20)

    def pids(self, part: str) -> list[int]:
        if part == "broker":
            return [self.broker.pid] if self.broker.runs else []
        running = self.services.running.items()
        return [each.pid for name, each in running if name.partition("-")[0] == part and each.poll() is None]

    def kill(self, part: str) -> None:
        if part == "broker":
            self.broker.kill()
            return
        pids = self.send(part, signal.SIGKILL)
        for process in self.services.running.values():
            if process.pid in pids:
                process.wait(timeout=20)

    def revive(self, part: str) -> None:
        if part == "broker":
            self.broker.start()
            return
        for name, process in list(self.services.running.items()):
            if name.partition("-")[0] == part and process.poll() is not None:
                self.services.begin(name)
        if part == "web":
            assert wait_until(self.answers), self.log()

    @contextmanager
    def without_broker(self) -> Iterator[None]:
        self.broker.kill()
        yield
        self.broker.start()

    def empty_broker(self) -> None:
        self.broker.kill()
        rmtree(self.broker_folder / "appendonlydir")
        self.broker.start()

    def log(self) -> str:
        return "".join(f"--- {name}\n{said}" for name, said in self.services.all_said().items())


class EmbeddedSide(Side):
    """``manage.py up``, which looks after its own processes, on SQLite."""

    def __init__(self, role: str, folder: Path, **environment: str) -> None:
        super().__init__(role, folder)
        name = "127.0.0.1" if role == "cloud" else "localhost"
        self.data = folder / f"{role}-data"
        self._running = ExitStack()
        variables = self.own_variables | environment
        self.host = Host(role=role, name=name, folder=self.data, has_demo=False, **variables)
        self.port = self.host.port
        self.environment = self.host.environment

    def start(self, stack: ExitStack) -> None:
        stack.enter_context(self._running)
        self._running.enter_context(self.host.running())
        stack.callback(self.helper.stop)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self._running.close()
        yield
        self._running.enter_context(self.host.running())

    def pids(self, part: str) -> list[int]:
        return [pid for pid, command in self.host.children().items() if PARTS[part] in command]

    def revive(self, part: str) -> None:
        assert wait_until(lambda: bool(self.pids(part))), self.log()
        if part == "web":
            assert wait_until(self.answers), self.log()

    def without_broker(self) -> AbstractContextManager[None]:
        # Killed, it would be back within a second.
        return self.paused("broker")

    def empty_broker(self) -> None:
        self.kill("broker")
        rmtree(self.data / "broker" / "appendonlydir")
        self.revive("broker")

    def log(self) -> str:
        return "".join(self.host.lines)
