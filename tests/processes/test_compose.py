"""The commands and variables of docker-compose.yml, run as they stand there, on a real PostgreSQL and real brokers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import yaml

from config import generated_secrets
from tests.cloud import rulebook
from tests.support.console import ROOT, free_port, wait_until
from tests.support.services import start_postgres, start_valkey

SEND_A_TASK = "from config import celery_app; celery_app.send_task('enterprises.nothing')"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SIDES = {"": "localhost", "cloud-": "127.0.0.1"}
WORKERS = 4
OCTO = ROOT / "tests" / "data" / "octo"
SERVER = "ghes1.octo.example"
# What a service without a health check of its own takes over from the image.
IMAGE_CHECK = [
    "CMD",
    *json.loads((ROOT / "Dockerfile").read_text().partition("HEALTHCHECK")[2].partition("CMD")[2].partition("\n")[0]),
]


class Side:
    """The services of one side, on a machine that has what compose would have started beside them."""

    def __init__(self, side: str, folder: Path, database_url: str, redis_url: str) -> None:
        self.side, self.port = side, free_port()
        self.url, self.redis_url = f"http://{SIDES[side]}:{self.port}", redis_url
        self.data, self.signs = folder / f"{side}data", folder / f"{side}signs"
        self.signs.mkdir()
        secrets = folder / f"{side}secrets"
        generated_secrets.write(secrets)
        (secrets / f"{side.replace('-', '_')}database_url").write_text(database_url)
        self.environment = {
            **self._variables(secrets),
            "REDIS_URL": redis_url,
            "BASE_URL": self.url,
            "PORT": str(self.port),
            "LICENSESYNC_DATA_DIR": str(self.data),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self.running: dict[str, subprocess.Popen[str]] = {}

    def _variables(self, secrets: Path) -> dict[str, str]:
        """The environment of the web, with its ${NAME:-default} filled in and its secrets where they lie here."""
        pattern = re.compile(r"\$\{\w+(?::-(?P<default>[^}]*))?\}")
        written = COMPOSE["services"][f"{self.side}web"]["environment"]
        filled = {
            name: pattern.sub(lambda match: match["default"] or "", str(value)) for name, value in written.items()
        }
        return {name: value.replace("/run/secrets", str(secrets)) for name, value in filled.items()}

    def command(self, name: str) -> list[str]:
        words: list[str] = COMPOSE["services"][f"{self.side}{name}"]["command"]
        return [re.sub(r"^0\.0\.0\.0:\d+$", f"127.0.0.1:{self.port}", word) for word in words]

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("python", "manage.py", *arguments)

    def start(self, workers: int) -> None:
        for name in ("web", "beat", *(f"worker-{number}" for number in range(workers))):
            command, environment = self.command(name.partition("-")[0]), self._environment_of(name)
            self.running[name] = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)

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
        return {name: process.communicate(timeout=60)[1] for name, process in self.running.items()}


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    """Both sides, not started yet: one PostgreSQL with a database each, a broker each."""
    # Not tmp_path: nobody but its owner may enter that, and PostgreSQL may have to run as somebody else.
    with tempfile.TemporaryDirectory(prefix="licensesync-compose-") as name:
        folder = Path(name)
        postgres, database_url = start_postgres(folder)
        address = database_url.removesuffix("licensesync")
        with psycopg.connect(f"{address}postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE cloud")
        brokers, made = [], []
        for side, database in (("", "postgres"), ("cloud-", "cloud")):
            (folder / f"{side}broker").mkdir()
            broker, redis_url = start_valkey(folder / f"{side}broker")
            brokers.append(broker)
            made.append(Side(side, folder, f"{address}{database}", redis_url))
        yield made[0], made[1]
        for service in (*brokers, postgres):
            service.stop()


def test_services_start_sync_across_two_hosts_and_stop(sides: tuple[Side, Side]) -> None:
    server, cloud = sides
    server.environment["CLOUD_URLS"] = cloud.url
    for side in sides:
        side.run(*side.command("migrate"))
        side.run(sys.executable, "-c", SEND_A_TASK)
        assert queue_length(side.redis_url) == 1
    try:
        server.start(workers=WORKERS)
        cloud.start(workers=1)
        assert wait_until(lambda: all(answers(f"{side.url}/readyz") for side in sides))
        assert wait_until(lambda: all(queue_length(side.redis_url) == 0 for side in sides))
        assert wait_until(lambda: all(side.is_healthy(name) for side in sides for name in side.running))
        assert sync(server, cloud) == [rulebook.consumed(rulebook.read(OCTO, *servers)) for servers in ([], [SERVER])]
        assert f'licensesync_last_success_age_seconds{{enterprise="ghes1",hostname="{SERVER}"}}' in server.metrics()
        assert 'licensesync_cloud_licenses_purchased{enterprise="octo"} 100.0' in cloud.metrics()
        speak_nonsense(server.port)
    finally:
        complaints = [side.stop() for side in sides]

    ended = {name: process.returncode for side in sides for name, process in side.running.items() if name != "beat"}
    assert set(ended.values()) == {0}, complaints
    assert applied_lines(complaints[1]["worker-0"])
    assert [line["logger"] for line in objects(complaints[0]["web"])] == ["gunicorn.error"]
    # A read-only file system would not have been in the way.
    assert not any(side.data.exists() and list(side.data.iterdir()) for side in sides)


def speak_nonsense(port: int) -> None:
    """Something that gunicorn itself complains of."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        caller.sendall(b"NONSENSE\r\n\r\n")
        assert b"400" in caller.recv(1_000)


def objects(log: str) -> list[dict[str, Any]]:
    """The lines of a log; what Python and Celery say of themselves at start and stop is none."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def applied_lines(log: str) -> list[dict[str, Any]]:
    """Of the snapshot that the cloud's worker applied: each leads back to the request that had it applied."""
    names = ("request_id", "task_id", "intake_id")
    return [line for line in objects(log) if line.get("state") == "applied" and all(line.get(name) for name in names)]


def sync(server: Side, cloud: Side) -> list[int]:
    """How many licenses are consumed by the cloud's members alone, and after one sync from the server."""
    cloud.manage("create_enterprise", "octo", "--deployment=cloud", "--owner=carla", "--seats=100")
    cloud.manage("import_members", "octo", str(OCTO / "members.ndjson"))
    token = cloud.manage("create_api_token", "carla", "--scope", "admin:enterprise").strip()
    server.manage(
        "create_enterprise", "ghes1", "--deployment=server", f"--hostname={SERVER}", "--server-version=3.19.1"
    )
    server.manage("import_seats", "ghes1", str(OCTO / f"seats-{SERVER}.ndjson"))
    server.manage("connect_enterprise", "ghes1", "--account", "octo", "--token", token)
    before = consumed(cloud)
    server.manage("license_sync", "ghes1", "enable")
    server.manage("license_sync", "ghes1", "now", "--wait")
    return [before, consumed(cloud)]


def consumed(cloud: Side) -> int:
    return int(json.loads(cloud.manage("consumed_licenses", "octo", "--format", "json"))["total_seats_consumed"])


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_every_service_has_a_read_only_file_system_and_no_secret_in_its_environment(service: str) -> None:
    described = COMPOSE["services"][service]

    assert described["read_only"] is True
    environment = described.get("environment", {})
    assert not {name for name in environment if name.endswith(("_KEY", "_KEYS", "PASSWORD", "DATABASE_URL"))}
    wanted = {value.removeprefix("/run/secrets/") for value in environment.values() if "/run/secrets/" in value}
    assert wanted == set(described.get("secrets", ()))
    assert wanted <= set(COMPOSE["secrets"])


def queue_length(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.llen("licensesync"))


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
