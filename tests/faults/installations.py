"""The two ways in which a side is installed: by docker-compose.yml, and by ``manage.py up``."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree

from tests.faults.sides import PARTS, Side
from tests.support import compose
from tests.support.console import wait_until
from tests.support.hosts import Host
from tests.support.services import Service, start_valkey


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
