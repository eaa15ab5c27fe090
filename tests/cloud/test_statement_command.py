"""The command writes the files of the page, and says in one sentence what it cannot do."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError

from cloud import statements
from cloud.models import Ledger, Statement
from tests.cloud.books import NOW, connect, sync

if TYPE_CHECKING:
    from pathlib import Path

IN_APRIL = datetime(2026, 4, 7, tzinfo=UTC)


@pytest.fixture
def counted(ledger: Ledger) -> Ledger:
    """Octo with something counted in March."""
    sync(connect(ledger, "ghes1.octo.example"), [(7, "a@octo.example")])
    return ledger


def run(*arguments: str, at: datetime = IN_APRIL) -> str:
    with time_machine.travel(at, tick=False):
        out = io.StringIO()
        call_command("license_statement", "octo", *arguments, stdout=out)
        return out.getvalue()


def test_command_makes_the_month_that_is_over(counted: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "statement.json"

    said = run("--month", "2026-03", "--output", str(path))

    assert path.read_bytes() == statements.json_file(Statement.objects.get())
    assert "the statement of 2026-03, signed by receipts-1, whose fingerprint is" in said


def test_command_writes_one_as_of_now_to_standard_output(
    counted: Ledger, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run("--now")

    assert json.loads(capfdbinary.readouterr().out)["statement"]["kind"] == "moment"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--month", "2026-13"], "'2026-13' is no month"),
        (["--month", "2026-02"], "There is no statement of 2026-02"),
        ([], "There is no statement yet"),
    ],
)
def test_command_says_what_there_is_not(counted: Ledger, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


def test_command_names_a_file_that_cannot_be_written(counted: Ledger, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        run("--now", "--output", str(tmp_path))


def test_command_asks_for_few_an_hour(counted: Ledger) -> None:
    for _ in range(statements.MOST_AN_HOUR):
        statements.make_now(ledger=counted, by=None, at=NOW)

    with pytest.raises(CommandError, match="of the last hour already"):
        run("--now", at=NOW)
