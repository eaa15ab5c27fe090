"""The command import_members: one line per result, one sentence per failure."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from cloud.models import Ledger, Member
from tests.cloud.books import DATA, import_members, member

FILE = DATA / "octo" / "members.ndjson"


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import_members", *arguments, stdout=out)
    return out.getvalue()


def test_command_says_what_it_imported(ledger: Ledger) -> None:
    line = _run("octo", str(FILE))

    assert line.startswith("Imported 30 members into octo: 30 added, 0 changed, 0 removed;")
    assert Member.objects.count() == 30


def test_command_reports_json(ledger: Ledger) -> None:
    assert json.loads(_run("octo", str(FILE), "--json"))["added"] == 30


def test_command_names_an_unknown_account(db: None) -> None:
    with pytest.raises(CommandError, match="no cloud account 'octo'"):
        _run("octo", str(FILE))


def test_command_names_a_file_that_cannot_be_read(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        _run("octo", str(tmp_path / "missing"))


def test_command_names_a_bad_line(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "members.ndjson"
    path.write_text('{"id": 1, "login": "ana"}\n{}\n')

    with pytest.raises(CommandError, match=r"Nothing was imported\. Line 2: "):
        _run("octo", str(path))


def test_command_asks_before_it_removes_many(ledger: Ledger) -> None:
    import_members(ledger, *(member(number, f"person-{number}") for number in range(100, 150)))

    with pytest.raises(CommandError, match="50 of 50 members would go; add --allow-shrink"):
        _run("octo", str(FILE))

    assert "50 removed" in _run("octo", str(FILE), "--allow-shrink")
