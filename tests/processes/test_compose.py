"""The way of docs/operations.md to two hosts, and the services of docker-compose.yml, all of it as it stands there.

One run for both: the commands of the document prepare each side and use it, and between them the services run with
their own commands and variables, on a real PostgreSQL and real brokers.
"""

import functools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import generated_secrets
from tests.cloud import rulebook
from tests.support.compose import COMPOSE, SIDES, Side
from tests.support.console import ROOT, wait_until
from tests.support.services import create_database, start_postgres, start_valkey
from tests.support.walkthrough import Shell, commands

WORKERS = 2
OCTO = ROOT / "tests" / "data" / "octo"
SERVER = "ghes1.octo.example"


class Operator:
    """Somebody who follows the document on the machine of one side."""

    def __init__(self, side: Side, folder: Path, addresses: dict[str, str]) -> None:
        self.side, self.etc, self.home = side, folder / "etc", folder / "home"
        for made in (folder, self.etc, self.home):
            made.mkdir()
        places = {
            "/opt/licensesync": str(ROOT),
            "/etc/licensesync": str(self.etc),
            "/var/lib/licensesync": str(self.home),
            ".venv/bin/python": sys.executable,
            "redis://localhost:6379/0": side.redis_url,
            **addresses,
        }
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
        self.shell = Shell(kept, self.home, places)

    def follow(self, step: str) -> str:
        """Type what a step says for this side, and return what was printed."""
        where = "cloud" if self.side.side else "server"
        return "\n".join(self.shell.type(block) for block in commands(where=where, step=step))

    def prepare(self, database_url: str) -> None:
        """Everything before the start. The database is the suite's, and the services get the secrets that were made."""
        self.follow("3. Secrets")
        secrets = self.etc / "secrets"
        (secrets / "database_url").write_text(database_url)
        for made in secrets.iterdir():
            self.side.keep_secret(made.name, made.read_text())
        (block,) = commands(where="both", step="4. Tables")
        assert f".venv/bin/{shlex.join(self.side.command('migrate'))}\n" in block
        self.follow("4. Tables")


@pytest.fixture
def operators() -> Iterator[tuple[Operator, Operator]]:
    """On both sides, which are prepared and not started yet: one PostgreSQL with a database each, a broker each."""
    # Not tmp_path: nobody but its owner may enter that, and PostgreSQL may have to run as somebody else.
    with tempfile.TemporaryDirectory(prefix="licensesync-compose-") as name:
        folder = Path(name)
        postgres, database_url = start_postgres(folder)
        address = database_url.removesuffix("licensesync")
        create_database(database_url, "cloud")
        urls = {"": f"{address}postgres", "cloud-": f"{address}cloud"}
        brokers, sides = [], {}
        for side, url in urls.items():
            (folder / f"{side}broker").mkdir()
            broker, redis_url = start_valkey(folder / f"{side}broker")
            brokers.append(broker)
            sides[side] = Side(side, folder, url, redis_url)
        server, cloud = sides.values()
        server.environment["CLOUD_URLS"] = cloud.url
        addresses = {"https://licenses.octo.example": server.url, "https://cloud.octo.example": cloud.url}
        made = [Operator(side, folder / f"{name}machine", addresses) for name, side in sides.items()]
        for operator in made:
            operator.prepare(urls[operator.side.side])
        yield made[0], made[1]
        for operator in made:
            operator.shell.close()
        for service in (*brokers, postgres):
            service.stop()


def test_services_start_sync_across_two_hosts_and_stop(operators: tuple[Operator, Operator]) -> None:
    server, cloud = sides = [operator.side for operator in operators]
    try:
        server.start(workers=WORKERS)
        cloud.start(workers=1)
        assert wait_until(lambda: all(answers(f"{side.url}/readyz") for side in sides))
        # Each by itself: a check is a process, and who was healthy is not asked again while another one starts.
        for check in [functools.partial(side.is_healthy, name) for side in sides for name in side.running]:
            assert wait_until(check), check.args
        assert sync(*operators).startswith(expected_total())
        assert f'licensesync_last_success_age_seconds{{enterprise="ghes1",hostname="{SERVER}"}}' in server.metrics()
        assert 'licensesync_cloud_licenses_purchased{enterprise="octo"} 100.0' in cloud.metrics()
        kill_worker_of(server.running["web"])
        assert wait_until(lambda: answers(f"{server.url}/healthz"))
    finally:
        complaints = [side.stop() for side in sides]

    ended = {name: process.returncode for side in sides for name, process in side.running.items() if name != "beat"}
    assert set(ended.values()) == {0}, complaints
    assert applied_lines(complaints[1]["worker-0"])
    assert {line["logger"] for line in objects(complaints[0]["web"])} == {"gunicorn.error"}
    # A read-only file system would not have been in the way.
    assert not any(side.data.exists() and list(side.data.iterdir()) for side in sides)


def kill_worker_of(web: "subprocess.Popen[bytes]") -> None:
    """Something that gunicorn itself complains of, and mends."""
    children = subprocess.run(["pgrep", "-P", str(web.pid)], capture_output=True, text=True, check=True).stdout.split()
    assert len(children) == 1
    os.kill(int(children[0]), signal.SIGKILL)


def objects(log: str) -> list[dict[str, Any]]:
    """The lines of a log; what Python and Celery say of themselves at start and stop is none."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def applied_lines(log: str) -> list[dict[str, Any]]:
    """Of the snapshot that the cloud's worker applied: each leads back to the request that had it applied."""
    names = ("request_id", "task_id", "intake_id")
    return [line for line in objects(log) if line.get("state") == "applied" and all(line.get(name) for name in names)]


def sync(server: Operator, cloud: Operator) -> str:
    """Have the server synced, both sides checked and backed up; the totals as the cloud's command prints them."""
    shutil.copy(OCTO / "members.ndjson", cloud.home)
    shutil.copy(OCTO / f"seats-{SERVER}.ndjson", server.home / "seats.ndjson")
    cloud.follow("6. Accounts")
    shutil.copy(cloud.home / "token", server.home)
    server.follow("6. Accounts")
    seen = [server.follow("7. Connect"), cloud.follow("7. Connect")]
    assert not [line for line in "\n".join(seen).splitlines() if line.startswith("failed")]
    for operator in (server, cloud):
        operator.follow("8. Every day")
        assert list((operator.home / "backups").glob("*.tar.gz"))
    return next(line for line in seen[1].splitlines() if " consumed of " in line)


def expected_total() -> str:
    """By the rules in plain Python, from the files that were imported."""
    world = rulebook.read(OCTO, SERVER)
    consumed, apart = rulebook.consumed(world), rulebook.counted_apart(world)
    return f"{consumed} consumed of 100 purchased: counted apart {apart}, with license sync {consumed}, "


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_units_run_what_the_services_run(name: str) -> None:
    unit = (ROOT / "deploy" / f"licensesync-{name}.service").read_text()

    (started,) = re.findall(r"^ExecStart=/opt/licensesync/\.venv/bin/(.+)$", unit, re.MULTILINE)
    for side in SIDES:
        service = shlex.join(COMPOSE["services"][f"{side}{name}"]["command"])
        assert started == re.sub(r"0\.0\.0\.0:800\d", "127.0.0.1:8001", service)


def test_secrets_of_the_services_are_those_that_are_made() -> None:
    assert set(COMPOSE["secrets"]) == set(generated_secrets.files())


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_every_service_has_a_read_only_file_system_and_no_secret_in_its_environment(service: str) -> None:
    described = COMPOSE["services"][service]

    assert described["read_only"] is True
    environment = described.get("environment", {})
    secret = ("_KEY", "_KEYS", "_FALLBACKS", "PASSWORD", "DATABASE_URL")
    assert not {name for name in environment if name.endswith(secret)}
    wanted = {value.removeprefix("/run/secrets/") for value in environment.values() if "/run/secrets/" in value}
    assert wanted == set(described.get("secrets", ()))
    assert wanted <= set(COMPOSE["secrets"])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
