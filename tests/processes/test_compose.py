"""The commands and variables of docker-compose.yml, run as they stand there, on a real PostgreSQL and a real broker."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from tests.support.console import ROOT, free_port, wait_until
from tests.support.services import start_postgres, start_valkey

SECRETS = {
    "SECRET_KEY": "x" * 60,
    "FIELD_ENCRYPTION_KEYS": "c3VpdGUtc3VpdGUtc3VpdGUtc3VpdGUtc3VpdGUtc3U=",
    "POSTGRES_PASSWORD": "unused",
}
SEND_A_TASK = "from config import celery_app; celery_app.send_task('enterprises.nothing')"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def variables(service: str) -> dict[str, str]:
    """The environment of a service, with its ${NAME:-default} filled in."""

    def fill(match: re.Match[str]) -> str:
        return SECRETS.get(match["name"].removeprefix("CLOUD_"), match["default"] or "")

    pattern = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}")
    return {name: pattern.sub(fill, str(value)) for name, value in COMPOSE["services"][service]["environment"].items()}


@pytest.fixture
def outside() -> Iterator[dict[str, str]]:
    """What stands in for the services that compose starts: addresses of a database and a broker."""
    # Not tmp_path: nobody but its owner may enter that, and PostgreSQL may have to run as somebody else.
    with tempfile.TemporaryDirectory(prefix="licensesync-compose-") as name:
        folder = Path(name)
        postgres, database_url = start_postgres(folder)
        valkey, redis_url = start_valkey(folder)
        yield {
            "DATABASE_URL": database_url.removesuffix("licensesync") + "postgres",
            "REDIS_URL": redis_url,
            "LICENSESYNC_DATA_DIR": str(folder / "data"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        valkey.stop()
        postgres.stop()


@pytest.mark.parametrize("side", ["", "cloud-"])
def test_services_start_answer_and_stop(outside: dict[str, str], side: str) -> None:
    port = free_port()
    environment = {**variables(f"{side}web"), **outside, "BASE_URL": f"http://127.0.0.1:{port}"}
    commands = {name: COMPOSE["services"][f"{side}{name}"]["command"] for name in ("migrate", "web", "worker", "beat")}
    commands["web"] = [word.replace("0.0.0.0:", "127.0.0.1:") for word in commands["web"]]
    commands["web"] = [re.sub(r"^127\.0\.0\.1:\d+$", f"127.0.0.1:{port}", word) for word in commands["web"]]
    subprocess.run(commands["migrate"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)

    subprocess.run([sys.executable, "-c", SEND_A_TASK], cwd=ROOT, env=environment, check=True)
    assert queue_length(outside["REDIS_URL"]) == 1

    running = [
        subprocess.Popen(commands[name], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for name in ("web", "worker", "beat")
    ]
    is_ready = wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
    is_worked_off = wait_until(lambda: queue_length(outside["REDIS_URL"]) == 0)
    for process in running:
        process.send_signal(signal.SIGTERM)
    complaints = [process.communicate(timeout=60)[1] for process in running]

    assert is_ready, complaints
    assert is_worked_off, complaints
    assert [process.returncode for process in running[:2]] == [0, 0], complaints


def queue_length(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.llen("licensesync"))


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
