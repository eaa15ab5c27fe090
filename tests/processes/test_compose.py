"""The commands and variables of docker-compose.yml, run as they stand there, on a real PostgreSQL and real brokers."""

import json
import socket
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.cloud import rulebook
from tests.support.compose import COMPOSE, Side
from tests.support.console import ROOT, wait_until
from tests.support.services import create_database, start_postgres, start_valkey

SEND_A_TASK = "from config import celery_app; celery_app.send_task('enterprises.nothing')"
WORKERS = 4
OCTO = ROOT / "tests" / "data" / "octo"
SERVER = "ghes1.octo.example"


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    """Both sides, not started yet: one PostgreSQL with a database each, a broker each."""
    # Not tmp_path: nobody but its owner may enter that, and PostgreSQL may have to run as somebody else.
    with tempfile.TemporaryDirectory(prefix="licensesync-compose-") as name:
        folder = Path(name)
        postgres, database_url = start_postgres(folder)
        address = database_url.removesuffix("licensesync")
        create_database(database_url, "cloud")
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
