"""Export license usage: one signed file with what a sync would send."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from connect.models import Server
from enterprises.models import AuditEvent
from licensesync import services, usage_file
from licensesync.licenses import license_hash
from licensesync.usage_file import export_usage
from tests.factories import NOW, make_role, make_user
from tests.licensesync.world import World, make_server, make_world, seat
from wire import signing
from wire.usage import UsageHeader

# The vectors of docs/formats.md, and somebody who is not sent.
SEATS: list[dict[str, Any]] = [
    {
        "id": 7,
        "login": "a",
        "emails": [
            {"email": "  Mona@Octo.Example ", "primary": True},
            {"email": "m@X.example"},
            {"email": "a@x.example"},
            {"email": "MONA@octo.example"},
        ],
    },
    {"id": 8, "login": "b", "emails": []},
    {"id": 9, "login": "c", "emails": [{"email": "Zoë@straße.example.", "primary": True}]},
    {"id": 10, "login": "d", "emails": [{"email": "u@My_Host.example"}]},
    {"id": 11, "login": "gone", "suspended": True, "emails": [{"email": "gone@octo.example", "primary": True}]},
]
SHA256 = "1c5f252b2c322f1852a389fbf1715f8cf8ff4cc6b0323ab0637c1fc7477d4f24"
pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Server:
    made = make_server()
    seat(made, "\n".join(map(json.dumps, SEATS)).encode())
    services.set_license(server=made, customer="Octo", seats=50, by=None, at=NOW)
    return made


def export(server: Server) -> bytes:
    with closing(export_usage(server=server, by=None, at=NOW)) as file:
        return b"".join(file)


def lines_of(file: bytes) -> bytes:
    """The canonical lines, as a reader takes them off the file."""
    inner = file.split(b"\n")[1:-2]
    return b"".join(line.removesuffix(b",") + b"\n" for line in inner if line)


def test_file_is_json_whose_lines_have_the_signed_digest(server: Server) -> None:
    file = export(server)

    told = json.loads(file)
    key = signing.read_public_key(told["header"]["server_key"])
    signed = signing.verify(told["signature"], UsageHeader, typ=signing.USAGE, key=key)
    assert [person["user_id"] for person in told["people"]] == [7, 8, 9, 10]
    assert (signed.sha256, signed.accounts) == (SHA256, 4)
    assert hashlib.sha256(lines_of(file)).hexdigest() == SHA256
    assert json.loads(msgspec.json.encode(signed)) == told["header"]
    assert (signed.host_name, signed.license) == (server.hostname, license_hash(server.license))


def test_large_files_wait_on_the_disk_and_are_the_same(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_file, "_IN_MEMORY", 1)

    assert hashlib.sha256(lines_of(export(server))).hexdigest() == SHA256


def test_server_that_synced_says_what_the_file_builds_on() -> None:
    world: World = make_world(accounts=3)
    job = world.sync()

    header = json.loads(export(world.server))["header"]

    assert header["base"] == {"revision": 1, "snapshot_id": str(job.sync_id)}
    assert header["sha256"] == job.sha256


def test_list_that_is_empty_is_a_file_as_well(server: Server) -> None:
    seat(server, json.dumps(SEATS[-1]).encode(), allow_shrink=True)

    told = json.loads(export(server))

    assert (told["people"], told["header"]["accounts"]) == ([], 0)


def test_page_streams_it_and_the_audit_log_knows(server: Server, client: Client) -> None:
    owner = make_user("olga")
    make_role(owner, server.enterprise)
    client.force_login(owner)

    answer = client.get(reverse("licensesync:usage_export", args=[server.enterprise.slug]))

    told = json.loads(answer.getvalue())
    event = AuditEvent.objects.get(action="license.export")
    assert event.actor == owner
    assert event.after == {"snapshot_id": told["header"]["snapshot_id"], "accounts": 4, "sha256": SHA256}
    assert (
        "Export license usage"
        in client.get(reverse("licensesync:license", args=[server.enterprise.slug])).content.decode()
    )


def test_command_writes_the_file(server: Server, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    call_command("export_license_usage", server.enterprise.slug, "--output", str(tmp_path / "usage.json"))
    call_command("export_license_usage", server.enterprise.slug)

    printed = capsysbinary.readouterr().out
    assert lines_of((tmp_path / "usage.json").read_bytes()) == lines_of(printed[printed.index(b'{"header"') :])


def test_command_tells_scripts_what_it_wrote_for_its_owner_alone(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "usage.json"
    call_command("export_license_usage", server.enterprise.slug, "--output", str(file), "--json")

    told = json.loads(capsys.readouterr().out)
    header = json.loads(file.read_bytes())["header"]
    assert told == {name: header[name] for name in ("snapshot_id", "accounts", "sha256", "taken_at")} | {
        "file": str(file)
    }
    assert file.stat().st_mode & 0o777 == 0o600


def test_command_says_in_a_sentence_what_is_in_its_way(server: Server, tmp_path: Path) -> None:
    empty = make_server("second", "ghes2.octo.example").enterprise.slug

    with pytest.raises(CommandError, match="No seats have been imported"):
        call_command("export_license_usage", empty)
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        call_command("export_license_usage", server.enterprise.slug, "--output", str(tmp_path / "none" / "usage.json"))
