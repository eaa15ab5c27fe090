"""The verifier that is handed out with statements tells good ones from bent ones, alone in an empty folder."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import runpy
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cloud import signer, statements
from cloud.models import UsagePoint
from tests.cloud.books import NOW, connect, import_members, member, sync
from wire.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloud.models import Ledger

VERIFIER = Path(__file__).parents[2] / "docs/verify_statement.py"
Way = tuple[str | int, ...]


@pytest.fixture
def file(ledger: Ledger) -> dict[str, Any]:
    """A statement with two servers under two receipt keys, and one that never synced."""
    import_members(ledger, member(1, "mona"))
    sync(connect(ledger, "ghes1.octo.example"), [(7, "a@octo.example")])
    signer.rotate(NOW)
    late = connect(ledger, "ghes2.octo.example")
    signer.accept(installation=late, kid=signer.current_signer(NOW).kid, at=NOW, ip="")
    late.refresh_from_db()
    sync(late, [(7, "a@octo.example"), (8, None)])
    connect(ledger, "ghes3.octo.example")
    made: dict[str, Any] = json.loads(statements.json_file(statements.make_now(ledger=ledger, by=None, at=NOW)))
    return made


def check(file: dict[str, Any], folder: Path, *more: str) -> tuple[int, str]:
    return check_text(json.dumps(file), folder, *more)


def check_text(text: str, folder: Path, *more: str) -> tuple[int, str]:
    """Run the verifier in this process, as a program."""
    path = folder / "statement.json"
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as said:
        patch.setattr(sys, "argv", ["verify_statement.py", str(path), *more])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(VERIFIER), run_name="__main__")
    return int(bool(ended.value.code)), said.getvalue()


def ways(value: object, way: Way = ()) -> Iterator[Way]:
    """The way to every value of a file that is neither object nor list."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from ways(inner, (*way, key))
    else:
        yield way


def bent(file: dict[str, Any], way: Way) -> dict[str, Any]:
    """The same file with something else in one place."""
    other = copy.deepcopy(file)
    at: Any = other
    for key in way[:-1]:
        at = at[key]
    value = at[way[-1]]
    at[way[-1]] = value + 1 if isinstance(value, int) else another(value or "")
    return other


def another(text: str) -> str:
    """Text that differs in one place, not the last, of which a base64 reader may throw bits away."""
    place = max(len(text) - 9, 0)
    return f"{text[:place]}{'B' if text[place : place + 1] == 'A' else 'A'}{text[place + 1 :]}"


@pytest.mark.parametrize("text", ["", "A", "B", "0123456789A", "AAAAAAAAAA", "BBBBBBBBBB"])
def test_bent_text_is_another_one(text: str) -> None:
    assert another(text) != text


@pytest.fixture
def month(file: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    """The statement of April, with a count before it and one in it."""
    UsagePoint.objects.create(ledger=ledger, day=date(2026, 4, 20), consumed=1, peak=9, counted_apart=4, purchased=100)
    made = statements.make_month(ledger=ledger, month=date(2026, 4, 1), at=datetime(2026, 5, 1, tzinfo=UTC))
    read: dict[str, Any] = json.loads(statements.json_file(made))
    return read


def test_verifier_needs_nothing_of_the_console(file: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "statement.json").write_text(json.dumps(file), encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), "statement.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "FAILED" not in ran.stdout
    assert ran.stdout.endswith("The statement is whole.\n")


def test_verifier_is_a_page() -> None:
    text = VERIFIER.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 66


def test_verifier_knows_the_fingerprint_of_the_page(file: dict[str, Any], ledger: Ledger, tmp_path: Path) -> None:
    shown = statements.signing_fingerprint(statements.statements(ledger)[0])

    assert check(file, tmp_path, shown)[0] == 0
    assert check(file, tmp_path, *shown.upper().split())[0] == 0
    assert check(file, tmp_path, shown.replace("a", "b").replace("1", "2"))[0] == 1


def test_every_bent_value_is_caught(file: dict[str, Any], tmp_path: Path) -> None:
    passed = [way for way in ways(file) if check(bent(file, way), tmp_path)[0] == 0]

    assert not passed


@pytest.mark.parametrize("whole", [{}, [], {"keys": []}, "x", None])
def test_what_is_no_statement_is_said_to_be_none(whole: Any, tmp_path: Path) -> None:
    code, said = check(whole, tmp_path)

    assert code == 1
    assert "this is no statement" in said


@pytest.mark.parametrize("name", ["format", "statement", "consumed", "accounts", "endorsement"])
def test_name_that_stands_twice_is_caught(name: str, file: dict[str, Any], tmp_path: Path) -> None:
    text = json.dumps(file)
    assert check_text(text, tmp_path)[0] == 0

    twice = text.replace(f'"{name}": ', f'"{name}": 0, "{name}": ', 1)

    assert check_text(twice, tmp_path)[0] == 1


@pytest.mark.parametrize("value", ["NaN", "1e999", "9" * 5000, "[" * 100_000], ids=["nan", "1e999", "long", "deep"])
def test_number_that_is_none_is_caught(value: str, file: dict[str, Any], tmp_path: Path) -> None:
    file["statement"]["consumed"] = "here"

    assert check_text(json.dumps(file).replace('"here"', value), tmp_path)[0] == 1


def test_keys_of_somebody_else_are_caught(file: dict[str, Any], tmp_path: Path) -> None:
    file["keys"].reverse()

    assert check(file, tmp_path)[0] == 1


def test_month_ends_with_its_last_count(month: dict[str, Any], tmp_path: Path) -> None:
    code, said = check(month, tmp_path)

    assert code == 0
    assert "2026-04 ended with 1 licenses, its last count" in said


@pytest.mark.parametrize("name", ["consumed", "purchased", "counted_apart", "available", "saved", "peak"])
def test_wrong_end_of_a_month_is_caught_though_it_is_signed(
    name: str, month: dict[str, Any], ledger: Ledger, tmp_path: Path
) -> None:
    """Somebody who held the key would have to state every count of the month otherwise, too."""
    wrong = copy.deepcopy(month["statement"])
    wrong["month_end"][name] += 1
    said = msgspec.convert(wrong, Statement, strict=False)
    jws = signer.sign_statement(said, signer.current_signer(NOW))

    assert check({**month, "statement": json.loads(msgspec.json.encode(said)), "jws": jws}, tmp_path)[0] == 1
