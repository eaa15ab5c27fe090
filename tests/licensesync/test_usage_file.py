"""Export license usage: one signed file with what a sync would send."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from connect.models import Server
from enterprises.models import AuditEvent, User
from licensesync import exporting, services, snapshot
from licensesync.licenses import license_hash
from licensesync.models import SyncJob
from licensesync.syncing.run import run
from licensesync.usage_files import UsageFile, usage_file
from tests.factories import NOW, make_role, make_user
from tests.licensesync.world import Clock, World, make_server, make_world, seat
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


def make_file(server: Server, clock: Clock | None = None, by: User | None = None) -> SyncJob:
    """A file, made by a worker."""
    clock = clock or Clock()
    job = exporting.request_export(server=server, by=by, at=clock.now)
    run(job.pk, clock=clock)
    job.refresh_from_db()
    return job


def export(server: Server) -> bytes:
    return b"".join(usage_file(server, make_file(server)))


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


def test_file_of_several_parts_is_the_same_at_each_download(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_PART_LINES", 3)
    job = make_file(server)

    file = usage_file(server, job)

    content = b"".join(file)
    assert (job.part_count, hashlib.sha256(lines_of(content)).hexdigest()) == (2, SHA256)
    assert (content, file.size) == (b"".join(usage_file(server, job)), len(content))


def test_server_that_synced_says_what_the_file_builds_on() -> None:
    world: World = make_world(accounts=3)
    job = world.sync()

    header = json.loads(export(world.server))["header"]

    assert header["base"] == {"revision": 1, "snapshot_id": str(job.sync_id)}
    assert header["sha256"] == job.sha256


def test_list_that_is_empty_is_a_file_as_well(server: Server) -> None:
    seat(server, json.dumps(SEATS[-1]).encode(), allow_shrink=True)

    file = export(server)

    told = json.loads(file)
    assert (told["people"], told["header"]["accounts"]) == ([], 0)
    assert usage_file(server, SyncJob.objects.get()).size == len(file)


def test_file_is_audited_with_its_numbers_and_each_download_too(server: Server, client: Client) -> None:
    owner = make_user("olga")
    make_role(owner, server.enterprise)
    client.force_login(owner)
    job = make_file(server, by=owner)

    answer = client.get(reverse("licensesync:usage_download", args=[server.enterprise.slug, job.pk]))

    content = answer.getvalue()
    event = AuditEvent.objects.get(action="license.export")
    assert event.actor == owner
    assert event.after == {"snapshot_id": str(job.sync_id), "accounts": 4, "sha256": SHA256}
    assert answer["Content-Length"] == str(len(content))
    assert json.loads(content)["header"]["snapshot_id"] == str(job.sync_id)
    assert AuditEvent.objects.filter(action="report.download", after__report="usage_file").count() == 1


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
        "file": str(file),
        "fingerprint": signing.fingerprint(header["server_key"]),
    }
    assert file.stat().st_mode & 0o777 == 0o600


def test_command_says_what_the_cloud_asks_for_and_what_comes_next(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "usage.json"
    call_command("export_license_usage", server.enterprise.slug, "--output", str(file))

    said, header = capsys.readouterr().out, json.loads(file.read_bytes())["header"]
    assert f"{header['accounts']} accounts" in said
    assert signing.fingerprint(header["server_key"]) in said
    assert "Upload it there" in said
    assert "import_receipt" in said


def test_command_puts_a_whole_file_in_place_or_none(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "usage.json"
    file.write_text("the last one")

    def broken(_self: UsageFile) -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(UsageFile, "__iter__", broken)
    with pytest.raises(CommandError, match="cannot be written: No space left on device"):
        call_command("export_license_usage", server.enterprise.slug, "--output", str(file))

    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("usage.json", "the last one")]


def test_command_writes_into_a_pipe_and_leaves_it_one(server: Server, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)

    call_command("export_license_usage", server.enterprise.slug, "--output", str(pipe))

    read = os.read(reader, 65_536)
    os.close(reader)
    assert hashlib.sha256(lines_of(read)).hexdigest() == SHA256
    assert pipe.is_fifo()


def test_command_prints_nothing_but_the_file_and_remembers_it(
    server: Server, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    call_command("export_license_usage", server.enterprise.slug, "--json")

    out, err = capsysbinary.readouterr()
    job = SyncJob.objects.get(kind=SyncJob.Kind.FILE)
    assert (json.loads(out)["header"]["snapshot_id"], err) == (str(job.sync_id), b"")
    assert (job.state, job.trigger) == (SyncJob.State.EXPORTED, SyncJob.Trigger.COMMAND)


def test_command_says_why_there_is_no_file(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_server: Server, *, after: int) -> list[bytes]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "next_lines", full)

    with pytest.raises(CommandError, match=r"ran out of disk space\. Free space"):
        call_command("export_license_usage", server.enterprise.slug)

    assert SyncJob.objects.get().state == SyncJob.State.CANCELLED


def test_command_says_in_a_sentence_what_is_in_its_way(server: Server, tmp_path: Path) -> None:
    empty = make_server("second", "ghes2.octo.example").enterprise.slug

    with pytest.raises(CommandError, match="No seats have been imported"):
        call_command("export_license_usage", empty)
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        call_command("export_license_usage", server.enterprise.slug, "--output", str(tmp_path / "none" / "usage.json"))
