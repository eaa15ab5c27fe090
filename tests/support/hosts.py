"""A server's console and a cloud, each as its own processes with its own data folder, address and cookies."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.migrated import put_migrated_database

ROOT = Path(__file__).resolve().parents[2]
_ANSWERS = "The console answers on"
_SEVERAL = """
import io, json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
from django.core.management import call_command
django.setup()
printed = []
for name, *arguments in json.loads(sys.argv[1]):
    output = io.StringIO()
    call_command(name, *arguments, stdout=output)
    printed.append(output.getvalue())
print(json.dumps(printed))
"""


class Host:
    """One installation of the product, run by ``manage.py up``."""

    def __init__(self, *, role: str, name: str, folder: Path, has_demo: bool = False, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://{name}:{self.port}"
        self._name = name
        self._demo = [] if has_demo else ["--no-demo"]
        self.environment = {
            **{key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ},
            "LICENSESYNC_ROLE": role,
            "LICENSESYNC_DATA_DIR": str(folder),
            "BASE_URL": self.url,
            **environment,
        }
        if "DATABASE_URL" not in environment and not has_demo:
            put_migrated_database(folder)
        self.lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @contextmanager
    def running(self) -> Iterator["Host"]:
        """Start it, wait until it answers, and stop it at the end."""
        command = [sys.executable, "manage.py", "up", "--host", "127.0.0.1", "--port", str(self.port), *self._demo]
        with subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            self._process = process
            try:
                self._wait(process)
                yield self
            finally:
                process.terminate()
                process.wait(timeout=60)

    def children(self) -> dict[int, str]:
        """The processes that ``up`` looks after, by id, with their commands; each leads a group of its own."""
        assert self._process is not None
        return {pid: command for pid, parent, command in processes() if parent == self._process.pid}

    def manage(self, *arguments: str) -> str:
        """Run a management command against this installation and return what it printed."""
        return self.manage_all(arguments)[0]

    def manage_all(self, *commands: Sequence[str]) -> list[str]:
        """Run several in one process, which starts once; return what each of them printed."""
        done = subprocess.run(
            [sys.executable, "-c", _SEVERAL, json.dumps(commands)],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        if done.returncode:
            raise AssertionError(f"{commands}: {done.stdout}{done.stderr}")
        printed: list[str] = json.loads(done.stdout)
        return printed

    def _wait(self, process: subprocess.Popen[str]) -> None:
        output: IO[str] = process.stdout  # type: ignore[assignment]
        for line in output:
            self.lines.append(line)
            if _ANSWERS in line:
                # The pipe must not fill up while the host runs.
                threading.Thread(target=self.lines.extend, args=(output,), daemon=True).start()
                return
        raise AssertionError(f"{self._name} did not start:\n{''.join(self.lines)}")


def processes() -> list[tuple[int, int, str]]:
    """Every process of this machine: its id, its parent's, and its command."""
    listing = subprocess.run(
        ["ps", "-axww", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(None, 2) for line in listing.splitlines())
    return [(int(pid), int(parent), command) for pid, parent, command in rows]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
