"""From a backup back to a sync, with real hosts: a restored cloud catches up, a restored server is found out."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from tests.support.hosts import Host
from tests.support.services import start_postgres

OCTO = Path(__file__).parents[1] / "data" / "octo"
SEATS = OCTO / "seats-ghes1.octo.example.ndjson"


@pytest.fixture(params=["sqlite", "postgresql"])
def hosts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    """A server's console and a cloud, each with a database of its own; not running yet."""
    with ExitStack() as stack:
        own: dict[str, dict[str, str]] = {"server": {}, "cloud": {}}
        if request.param == "postgresql":
            # PostgreSQL may run as another user, who cannot enter the folder of this test.
            folder = Path(tempfile.mkdtemp(prefix="licensesync-backup-"))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            service, url = start_postgres(folder)
            stack.callback(service.stop)
            for side in own:
                with psycopg.connect(url.replace("/licensesync", "/postgres"), autocommit=True) as admin:
                    admin.execute(f"CREATE DATABASE {side}")
                own[side] = {
                    "DATABASE_URL": url.replace("/licensesync", f"/{side}"),
                    "SECRET_KEY": f"only-for-{side}-" * 5,
                    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
                }
        cloud = Host(role="cloud", name="127.0.0.1", folder=tmp_path / "cloud", has_demo=False, **own["cloud"])
        server = Host(
            role="server",
            name="localhost",
            folder=tmp_path / "server",
            CLOUD_URLS=cloud.url,
            has_demo=False,
            **own["server"],
        )
        yield server, cloud


def test_backup_restore_and_sync_again(hosts: tuple[Host, Host], tmp_path: Path) -> None:
    server, cloud = hosts
    of_server, of_cloud = str(tmp_path / "server.tar.gz"), str(tmp_path / "cloud.tar.gz")
    with ExitStack() as running_cloud, ExitStack() as running_server:
        running_cloud.enter_context(cloud.running())
        running_server.enter_context(server.running())
        connect(server, cloud)
        sync(server)
        before = consumed(cloud)
        server.manage("backup", of_server)
        cloud.manage("backup", of_cloud)
        fewer = tmp_path / "seats.ndjson"
        fewer.write_text("".join(SEATS.read_text().splitlines(keepends=True)[:-5]))
        server.manage("import_seats", "ghes1", str(fewer))
        sync(server)
        after = consumed(cloud)
        assert before != after

        running_cloud.close()
        cloud.manage("restore", "--force", of_cloud)
        running_cloud.enter_context(cloud.running())
        assert consumed(cloud) == before
        sync(server)
        assert consumed(cloud) == after

        running_server.close()
        server.manage("restore", "--force", of_server)
        running_server.enter_context(server.running())
        with pytest.raises(AssertionError, match="restored or copied"):
            sync(server)
        assert consumed(cloud) == after


def connect(server: Host, cloud: Host) -> None:
    *_, token = cloud.manage_all(
        ["create_enterprise", "octo", "--deployment=cloud", "--owner=carla", "--seats=100"],
        ["import_members", "octo", str(OCTO / "members.ndjson")],
        ["create_api_token", "carla", "--scope", "admin:enterprise"],
    )
    server.manage_all(
        ["create_enterprise", "ghes1", "--deployment=server", "--hostname=ghes1.octo.example"],
        ["import_seats", "ghes1", str(SEATS)],
        ["connect_enterprise", "ghes1", "--cloud-url", cloud.url, "--account", "octo", "--token", token.strip()],
        ["license_sync", "ghes1", "enable"],
    )


def sync(server: Host) -> None:
    server.manage("license_sync", "ghes1", "now", "--wait", "--timeout", "120")


def consumed(cloud: Host) -> int:
    return int(json.loads(cloud.manage("consumed_licenses", "octo", "--format", "json"))["total_seats_consumed"])
