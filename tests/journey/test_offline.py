"""A server and a cloud without a socket between them: they never run at the same time, and files are carried."""

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journey.offline_walk import CloudSide, ServerSide
from tests.support.hosts import ROOT, Host
from tests.support.usage_files import TAKEN_AT, FileServer, lines_for
from wire import signing
from wire.messages import Base
from wire.usage_reading import read_head

OCTO = Path(__file__).parents[1] / "data" / "octo"
EXPECTED = json.loads((OCTO / "expected.json").read_text())["total_seats_consumed"]
SERVERS = ("ghes1", "ghes2", "ghes3")


@pytest.mark.timeout(400)
def test_a_server_reports_by_file_and_learns_what_was_counted(tmp_path: Path, page: Page) -> None:
    pocket = tmp_path / "pocket"
    pocket.mkdir()
    server = Host(role="server", name="localhost", folder=tmp_path / "server")
    cloud = Host(role="cloud", name="127.0.0.1", folder=tmp_path / "cloud")
    there = ServerSide(page, server, "ghes1", pocket)
    here = CloudSide(page, cloud, "octo", pocket)
    olivia, carla = _found_servers(server), _found_cloud(cloud)

    with server.running():
        there.sign_in(olivia)
        usage, server_key = there.export()
        exported = _export_others(server, pocket)
    with cloud.running():
        here.sign_in(carla)
        here.send(usage)
        here.register(server_key)
        here.apply()
        receipt = here.take_away("Download the receipt")
        cloud_key = here.fingerprint("Fingerprint of the receipt's key")
        assert _upload_others(cloud, exported) == EXPECTED
        _assert_each_refusal_is_shown(CloudSide(page, cloud, "acme", pocket), usage)
        assert here.consumed() == EXPECTED
        _assert_statement_stands_alone(cloud, cloud_key, tmp_path)
    with server.running():
        there.import_receipt(receipt, cloud_key)
        there.go("settings/license")
        expect(there.main).to_contain_text("Accepted by Octo, revision 1")
        states = _import_other_receipts(server, exported, cloud_key)
        assert all("Accepted by Octo, revision 1" in state for state in states)


def _found_servers(server: Host) -> str:
    """Return the address under which the owner signs in."""
    *_made, link = server.manage_all(
        *(
            [
                *("create_enterprise", slug, "--deployment=server", "--owner=olivia"),
                *(f"--hostname={slug}.octo.example", "--server-version=3.19.1"),
            ]
            for slug in SERVERS
        ),
        *(["import_seats", slug, str(OCTO / f"seats-{slug}.octo.example.ndjson")] for slug in SERVERS),
        ["sign_in_link", "olivia"],
    )
    return link.strip()


def _found_cloud(cloud: Host) -> str:
    *_made, link = cloud.manage_all(
        ["create_enterprise", "octo", "--deployment=cloud", "--name=Octo", "--owner=carla", "--seats=100"],
        ["create_enterprise", "acme", "--deployment=cloud", "--name=Acme", "--owner=carla"],
        ["import_members", "octo", str(OCTO / "members.ndjson")],
        ["sign_in_link", "carla"],
    )
    return link.strip()


def _export_others(server: Host, pocket: Path) -> dict[str, Path]:
    files = {slug: pocket / f"{slug}.json" for slug in SERVERS[1:]}
    server.manage_all(*(["export_license_usage", slug, "--output", str(file)] for slug, file in files.items()))
    return files


def _upload_others(cloud: Host, files: dict[str, Path]) -> int:
    """As a script does, with fingerprints that somebody has compared; return how many licenses are consumed then."""
    *_uploaded, consumed = cloud.manage_all(
        *(
            [
                *("upload_license_usage", "octo", str(file), "--fingerprint", _fingerprint_in(file)),
                *("--receipt", str(file.with_suffix(".receipt"))),
            ]
            for file in files.values()
        ),
        ["consumed_licenses", "octo", "--format", "json"],
    )
    return int(json.loads(consumed)["total_seats_consumed"])


def _import_other_receipts(server: Host, files: dict[str, Path], cloud_key: str) -> list[str]:
    """Return where each of these servers stands afterwards."""
    imports = (
        ["import_receipt", slug, str(file.with_suffix(".receipt")), "--fingerprint", cloud_key]
        for slug, file in files.items()
    )
    return server.manage_all(*imports, *(["license_sync", slug, "status"] for slug in files))[len(files) :]


def _fingerprint_in(file: Path) -> str:
    with file.open("rb") as stream:
        return signing.fingerprint(read_head(stream).header.server_key)


def _assert_each_refusal_is_shown(acme: CloudSide, of_octo: Path) -> None:
    """One server of another account, and everything that may be wrong with a file of it."""
    ghes9 = FileServer(hostname="ghes9.acme.example")
    lines = lines_for([(1, "mona@acme.example"), (2, "hubot@acme.example"), (3, None)])
    sound = ghes9.file(lines)
    newer = replace(ghes9, taken_at=TAKEN_AT + timedelta(days=1)).file(lines[:2])
    base = Base(revision=1, snapshot_id=_snapshot(newer))
    at: dict[str, Any] = {"base": base, "taken_at": TAKEN_AT + timedelta(days=2)}
    newest = ghes9.file(lines, **at)
    applied = acme.pocket / "applied.json"
    applied.write_bytes(newer)
    acme.host.manage("upload_license_usage", "acme", str(applied), "--fingerprint", ghes9.fingerprint)

    for content, sentence in {
        b"": "The file is empty",
        b"\x89PNG\r\n": "it is not JSON",
        b'{"users": []}\n': "This JSON file is not a usage file",
        _zipped(sound): "This is a packed file",
        b'{"server_id":"1","host_name":"ghes9.acme.example","data":"c2VjcmV0"}\n': "which only GitHub can read",
        ghes9.file(lines, format=2): "of a newer format",
        _signed_otherwise(newest): "not signed by the key that it names",
        newest[:-20]: "The end of the file is missing",
        newest.replace(b"hubot@", b"robot@"): "changed after the server signed it",
        replace(ghes9, key=signing.new_identity_key()).file(lines, **at): "signed with another key",
        sound: "Newer usage of this server is held already",
        newer: "This file was applied already",
        of_octo.read_bytes(): "reports to another account",
        replace(ghes9, hostname="ghes10.acme.example").file(lines, **at): "known here as ghes9.acme.example",
    }.items():
        file = acme.pocket / "refused.json"
        file.write_bytes(content)
        acme.send(file)
        expect(acme.main).to_contain_text(sentence, timeout=30_000)


def _snapshot(file: bytes) -> str:
    return read_head(io.BytesIO(file)).header.snapshot_id


def _signed_otherwise(file: bytes) -> bytes:
    start = file.index(b'"signature":"') + len(b'"signature":"')
    end = file.index(b'"', start)
    wrong = b"A" if file[end - 10 : end - 9] != b"A" else b"B"
    return file[: end - 10] + wrong + file[end - 9 :]


def _zipped(file: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("usage.json", file)
    return packed.getvalue()


def _assert_statement_stands_alone(cloud: Host, cloud_key: str, folder: Path) -> None:
    """Neither the console nor a network is needed to check one, only the page of code and the package cryptography."""
    alone = folder / "alone"
    alone.mkdir()
    cloud.manage("license_statement", "octo", "--now", "--output", str(alone / "statement.json"))
    (alone / "verify_statement.py").write_text((ROOT / "docs" / "verify_statement.py").read_text())

    command = [sys.executable, "-I", "verify_statement.py", "statement.json", cloud_key]
    done = subprocess.run(command, cwd=alone, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stdout
    assert done.stdout.count("receipt of") == len(SERVERS)
    assert "The statement is whole." in done.stdout
