"""upload_license_usage: previews and applies a usage file without a worker, and says each refusal with its code."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cloud.models import Installation, Intake, Ledger
from cloud.usage_files import upload
from enterprises.models import User
from tests.cloud.books import people
from tests.cloud.refused_files import AT_ONCE, LINES, OTHER_LINES, WHEN_READ, Bent, applied, apply_file, new_server
from tests.support.usage_files import FileServer, lines_for
from wire.receipts import ReceiptFile
from wire.signing import fingerprint

REFUSED = {"older_than_held": AT_ONCE["older_than_held"], "truncated": WHEN_READ["truncated"]}


@pytest.fixture
def server() -> FileServer:
    return new_server()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "usage.json"


def run(*arguments: Any) -> str:
    output = io.StringIO()
    call_command("upload_license_usage", "octo", *map(str, arguments), stdout=output)
    return output.getvalue().strip()


def test_file_of_a_known_server_is_applied(ledger: Ledger, server: FileServer, file: Path, tmp_path: Path) -> None:
    applied(ledger, server)
    held = ledger.installations.get()
    file.write_bytes(server.file(OTHER_LINES, unanswered=(str(held.snapshot_id),)))

    line = run(file, "--receipt", tmp_path / "receipt.json")

    assert line.startswith(f"The usage of {server.hostname} is applied to octo, revision 2: 2 accounts (1 added, ")
    assert "people 1 added and 1 removed, licenses 1 added and 1 removed: 2 before, 2 after." in line
    content = msgspec.json.decode((tmp_path / "receipt.json").read_bytes(), type=ReceiptFile)
    assert line.endswith(f"its key has the fingerprint {fingerprint(content.keys[-1].x)}.")
    receipt = content.receipt
    assert (receipt.revision, receipt.hostname) == (2, server.hostname)


def test_result_as_json_names_nobody(ledger: Ledger, server: FileServer, file: Path) -> None:
    file.write_bytes(server.file(LINES))

    said = json.loads(run(file, "--fingerprint", server.fingerprint, "--json"))

    assert (said["state"], said["accounts"], said["people_added"], said["revision"]) == ("SUCCESS", 2, 2, 1)
    assert "octo.example" not in json.dumps(said).replace(server.hostname, "")


def test_unknown_server_is_refused_with_its_fingerprint(ledger: Ledger, server: FileServer, file: Path) -> None:
    file.write_bytes(server.file(LINES))

    with pytest.raises(CommandError, match=f"run this again with --fingerprint '{server.fingerprint}'"):
        run(file)

    assert not ledger.installations.exists()


def test_fingerprint_registers_the_server(ledger: Ledger, server: FileServer, file: Path) -> None:
    file.write_bytes(server.file(LINES))

    run(file, "--fingerprint", server.fingerprint)

    registered = ledger.installations.get()
    assert (registered.state, registered.revision, registered.accounts) == (Installation.State.BY_FILE, 1, 2)
    assert len(people(ledger)) == 2


def test_preview_changes_nothing(ledger: Ledger, server: FileServer, file: Path) -> None:
    file.write_bytes(server.file(LINES))

    line = run(file, "--fingerprint", server.fingerprint, "--preview")

    assert line.startswith("Preview, nothing is applied")
    assert "people 2 added and 0 removed" in line
    assert (ledger.installations.get().revision, people(ledger)) == (0, [])


def test_file_that_was_previewed_is_applied(ledger: Ledger, server: FileServer, file: Path) -> None:
    file.write_bytes(server.file(LINES))
    run(file, "--fingerprint", server.fingerprint, "--preview")

    assert "is applied to octo, revision 1" in run(file)


def test_file_of_the_standard_input_is_read(
    ledger: Ledger, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=server.stream(LINES)))

    run("-", "--fingerprint", server.fingerprint)

    assert ledger.installations.get().accounts == 2


def test_script_that_runs_again_gets_the_same_receipt(
    ledger: Ledger, server: FileServer, file: Path, tmp_path: Path
) -> None:
    file.write_bytes(server.file(LINES))
    receipts = [tmp_path / "first.json", tmp_path / "second.json"]

    lines = [run(file, "--fingerprint", server.fingerprint, "--receipt", receipt) for receipt in receipts]

    assert "was applied to octo before, revision 1; nothing changed now" in lines[1]
    assert receipts[0].read_bytes() == receipts[1].read_bytes()
    assert ledger.installations.get().revision == 1


def test_place_of_the_receipt_is_looked_at_first(
    ledger: Ledger, server: FileServer, file: Path, tmp_path: Path
) -> None:
    file.write_bytes(server.file(LINES))

    with pytest.raises(CommandError, match="cannot be written"):
        run(file, "--fingerprint", server.fingerprint, "--receipt", tmp_path / "none" / "receipt.json")

    assert not ledger.installations.exists()


def test_preview_has_no_receipt(ledger: Ledger, file: Path) -> None:
    with pytest.raises(CommandError, match="A preview has no receipt"):
        run(file, "--preview", "--receipt", "receipt.json")


def test_file_that_is_not_there_is_said(ledger: Ledger, file: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        run(file)


@pytest.mark.parametrize(("code", "bent"), REFUSED.items(), ids=list(REFUSED))
def test_refusal_has_its_code_and_sentence(
    code: str, bent: Bent, ledger: Ledger, server: FileServer, file: Path
) -> None:
    file.write_bytes(bent(ledger, server))
    before = list(Installation.objects.values_list("hostname", "revision"))
    output = io.StringIO()

    with pytest.raises(CommandError, match="Nothing was applied") as refusal:
        call_command("upload_license_usage", "octo", str(file), "--json", fingerprint=server.fingerprint, stdout=output)

    said = json.loads(output.getvalue())
    assert (said["state"], said["code"]) == ("FAILURE", code)
    assert str(refusal.value) == f"Nothing was applied. {said['message']}"
    assert set(before) <= set(Installation.objects.values_list("hostname", "revision"))


def test_many_may_go_where_that_is_meant(ledger: Ledger, server: FileServer, file: Path) -> None:
    file.write_bytes(WHEN_READ["shrink_unconfirmed"](ledger, server))
    with pytest.raises(CommandError, match="run the same with --allow-shrink"):
        run(file)

    assert "50 removed" in run(file, "--allow-shrink")


def test_server_is_renamed_where_that_is_meant(ledger: Ledger, server: FileServer, file: Path) -> None:
    apply_file(ledger, server, server.file(LINES))
    held = ledger.installations.get()
    file.write_bytes(
        server.file(lines_for([(7, "mona@octo.example")]), host_name="new.example", unanswered=(str(held.snapshot_id),))
    )

    run(file, "--allow-rename")

    assert ledger.installations.get().hostname == "new.example"


def test_fingerprint_may_come_without_its_spaces(ledger: Ledger, server: FileServer, file: Path) -> None:
    file.write_bytes(server.file(LINES))

    assert "is applied to octo" in run(file, "--fingerprint", server.fingerprint.replace(" ", ""))


def test_file_that_a_worker_is_at_is_left_to_it(
    ledger: Ledger, owner: User, server: FileServer, file: Path, tmp_path: Path
) -> None:
    file.write_bytes(server.file(LINES))
    now = timezone.now()
    with file.open("rb") as stream:
        upload(ledger=ledger, stream=stream, name="", by=owner, at=now, fingerprint=server.fingerprint, apply=True)
    Intake.objects.update(claim=1, lease_until=now + timedelta(minutes=5))

    with pytest.raises(CommandError, match="A worker is at this very file"):
        run(file, "--receipt", tmp_path / "receipt.json")

    assert not (tmp_path / "receipt.json").exists()
