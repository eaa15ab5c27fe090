"""From a backup back to a sync, with real hosts: a restored cloud catches up, a restored server is found out."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.hosts import Host
from tests.support.services import create_database, start_postgres

OCTO = Path(__file__).parents[1] / "data" / "octo"
SEATS = OCTO / "seats-ghes1.octo.example.ndjson"
SYNC = ("license_sync", "ghes1", "now", "--wait", "--timeout", "120")
REPORT = ("consumed_licenses", "octo", "--format", "json")


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
                create_database(url, side)
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
        token = found(server, cloud)
        *_, rotated, _kept = server.manage_all(
            *connecting(cloud, token), SYNC, ("rotate_keys", "--app-keys"), ("backup", of_server)
        )
        assert rotated == "ghes1: the App has a new key, and the former one was deleted on the cloud.\n"
        report, _new_key, _kept = cloud.manage_all(REPORT, ("rotate_keys", "--receipt-key"), ("backup", of_cloud))
        before = total(report)
        fewer = tmp_path / "seats.ndjson"
        fewer.write_text("".join(SEATS.read_text().splitlines(keepends=True)[:-5]))
        server.manage_all(("import_seats", "ghes1", str(fewer)), SYNC)
        after = consumed(cloud)
        assert before != after

        running_cloud.close()
        cloud.manage("restore", "--force", of_cloud)
        running_cloud.enter_context(cloud.running())
        assert consumed(cloud) == before
        server.manage(*SYNC)
        assert consumed(cloud) == after

        running_server.close()
        server.manage("restore", "--force", of_server)
        running_server.enter_context(server.running())
        with pytest.raises(AssertionError, match="restored or copied"):
            server.manage(*SYNC)
        assert consumed(cloud) == after

        # An owner decides that this one is the original: connected anew, it takes over what the cloud holds.
        server.manage_all(("disconnect_enterprise", "ghes1"), *connecting(cloud, token), SYNC)
        assert consumed(cloud) == before


def found(server: Host, cloud: Host) -> str:
    """Both enterprises with their people; answers a token of the cloud's owner."""
    *_, token = cloud.manage_all(
        ["create_enterprise", "octo", "--deployment=cloud", "--owner=carla", "--seats=100"],
        ["import_members", "octo", str(OCTO / "members.ndjson")],
        ["create_api_token", "carla", "--scope", "admin:enterprise"],
    )
    server.manage_all(
        ["create_enterprise", "ghes1", "--deployment=server", "--hostname=ghes1.octo.example"],
        ["import_seats", "ghes1", str(SEATS)],
    )
    return token.strip()


def connecting(cloud: Host, token: str) -> list[tuple[str, ...]]:
    return [
        ("connect_enterprise", "ghes1", "--cloud-url", cloud.url, "--account", "octo", "--token", token),
        ("license_sync", "ghes1", "enable"),
    ]


def consumed(cloud: Host) -> int:
    return total(cloud.manage(*REPORT))


def total(report: str) -> int:
    return int(json.loads(report)["total_seats_consumed"])
