"""A real `manage.py up` for tests: its own port, data folder and cookies, and what runs below it."""

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.hosts import ROOT, free_port, processes

__all__ = ["ROOT", "Console", "free_port", "is_gone", "wait_until"]

PATIENCE_SECONDS = 90


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@dataclass
class Console:
    """One `manage.py up`, and a browser's cookies for it."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[str] | None" = None
    cookies: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "PATH", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "LICENSESYNC_DATA_DIR": str(self.folder / "data"), "LICENSESYNC_ROLE": "both", **self.variables}

    @property
    def log(self) -> str:
        return (self.folder / "up.log").read_text(errors="replace")

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=90, check=False
        )

    def start(self, *options: str) -> None:
        """Starts it, without the demo world unless told otherwise, and waits until it answers."""
        self.begin(*(options or ("--no-demo",)))
        assert wait_until(lambda: "The console answers on" in self.log or self.has_ended), self.log
        assert not self.has_ended, self.log

    def begin(self, *options: str) -> None:
        with (self.folder / "up.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port), *options],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(timeout=PATIENCE_SECONDS)

    def family(self) -> dict[int, str]:
        """Every process below `up`, by id, with its command."""
        assert self.process is not None
        rows = processes()
        family: dict[int, str] = {}
        known = {self.process.pid}
        while found := {pid: command for pid, parent, command in rows if parent in known and pid not in family}:
            family |= found
            known |= set(found)
        return family

    def get(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        body = urllib.parse.urlencode(data).encode() if data else None
        try:
            with opener.open(f"http://127.0.0.1:{self.port}{path}", data=body, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self) -> bool:
        status, body = self.get("/readyz")
        return status == 200 and json.loads(body)["status"] == "ok"

    def sign_in(self, username: str, password: str) -> int:
        page = self.get("/account/sign-in")[1]
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None, page
        return self.get("/account/sign-in", {"csrfmiddlewaretoken": token[1], "login": username, "password": password})[
            0
        ]


def is_gone(pid: int) -> bool:
    """A zombie is gone: only its parent has not asked yet."""
    listing = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return not listing.strip() or listing.strip().startswith("Z")
