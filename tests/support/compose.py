"""The services of docker-compose.yml as processes of this machine: their commands and variables as they stand there."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from config import generated_secrets
from config.children import end_with_parent
from tests.support.hosts import ROOT, free_port

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
# What a service without a health check of its own takes over from the image.
IMAGE_CHECK = [
    "CMD",
    *json.loads((ROOT / "Dockerfile").read_text().partition("HEALTHCHECK")[2].partition("CMD")[2].partition("\n")[0]),
]
SIDES = {"": "localhost", "cloud-": "127.0.0.1"}


class Side:
    """The services of one side, on a machine that has what compose would have started beside them."""

    def __init__(self, side: str, folder: Path, database_url: str, redis_url: str) -> None:
        self.side, self.folder, self.port = side, folder, free_port()
        self.url, self.redis_url = f"http://{SIDES[side]}:{self.port}", redis_url
        self.data, self.signs = folder / f"{side}data", folder / f"{side}signs"
        self.signs.mkdir()
        self._secrets = folder / f"{side}secrets"
        generated_secrets.write(self._secrets)
        self.keep_secret("database_url", database_url)
        self.environment = {
            **self._variables(self._secrets),
            "REDIS_URL": redis_url,
            "BASE_URL": self.url,
            "PORT": str(self.port),
            "LICENSESYNC_DATA_DIR": str(self.data),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def _variables(self, secrets: Path) -> dict[str, str]:
        """The environment of the web, with its ${NAME:-default} filled in and its secrets where they lie here."""
        pattern = re.compile(r"\$\{\w+(?::-(?P<default>[^}]*))?\}")
        written = COMPOSE["services"][f"{self.side}web"]["environment"]
        filled = {
            name: pattern.sub(lambda match: match["default"] or "", str(value)) for name, value in written.items()
        }
        return {name: value.replace("/run/secrets", str(secrets)) for name, value in filled.items()}

    def keep_secret(self, name: str, content: str) -> None:
        """Put another one in place of what was made for this side, before anything starts."""
        (self._secrets / f"{self.side.replace('-', '_')}{name}").write_text(content)

    def command(self, name: str) -> list[str]:
        words: list[str] = COMPOSE["services"][f"{self.side}{name}"]["command"]
        return [re.sub(r"^0\.0\.0\.0:\d+$", f"127.0.0.1:{self.port}", word) for word in words]

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def start(self, workers: int) -> None:
        for name in ("web", "beat", *(f"worker-{number}" for number in range(workers))):
            self.begin(name)

    def begin(self, name: str) -> None:
        """Starts one service; what follows a dash only tells several of one kind apart."""
        with self._log(name).open("a") as log:
            self.running[name] = subprocess.Popen(
                self.command(name.partition("-")[0]),
                cwd=ROOT,
                env=self._environment_of(name),
                stdin=subprocess.DEVNULL,
                stderr=log,
                # A session of its own, so that a test can end or stop all of its processes at once.
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )

    def _environment_of(self, name: str) -> dict[str, str]:
        """Each with a /tmp of its own, as the containers have it."""
        return {**self.environment, "ALIVE_FILE": str(self.signs / name)}

    def is_healthy(self, name: str) -> bool:
        """What the health check of the service says of one of its processes."""
        described = COMPOSE["services"][f"{self.side}{name.partition('-')[0]}"]
        command = described.get("healthcheck", {"test": IMAGE_CHECK})["test"][1:]
        return not subprocess.run(
            command, cwd=ROOT, env=self._environment_of(name), stderr=subprocess.DEVNULL, check=False
        ).returncode

    def metrics(self) -> str:
        token = Path(self.environment["METRICS_TOKEN_FILE"]).read_text().strip()
        asked = urllib.request.Request(f"{self.url}/metrics", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return str(answer.read().decode())

    def stop(self) -> dict[str, str]:
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            process.wait(timeout=60)
        return self.all_said()

    def all_said(self) -> dict[str, str]:
        """What each service wrote to its standard error."""
        return {name: self._log(name).read_text(errors="replace") for name in self.running}

    def _log(self, name: str) -> Path:
        return self.folder / f"{self.side}{name}.log"
