"""The PDF of a statement says its numbers, in two languages, and holds the signed file."""

from __future__ import annotations

import re
import zlib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from django.utils import translation

from cloud import statements
from cloud.models import Statement, UsagePoint
from cloud.services import set_seats_purchased
from cloud.statements import pdf
from cloud.statements.paper import UNKNOWN, Paper
from tests.cloud.books import NOW, connect, import_members, member, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloud.models import Ledger

STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)


@pytest.fixture
def made(ledger: Ledger) -> Statement:
    """A statement of octo with two servers, of which one never synced, and two days."""
    import_members(ledger, member(1, "mona"))
    sync(connect(ledger, "ghes1.octo.example"), [(7, "a@octo.example")])
    connect(ledger, "ghes2.octo.example")
    UsagePoint.objects.create(
        ledger=ledger, day=NOW.date().replace(day=1), consumed=1, peak=140, counted_apart=1, purchased=100
    )
    return statements.make_now(ledger=ledger, by=None, at=NOW)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything that is put on paper, in order."""
    texts: list[str] = []
    known = Paper.known

    def note(paper: Paper, text: str) -> str:
        texts.append(text)
        return known(paper, text)

    monkeypatch.setattr(Paper, "known", note)
    return texts


def unpacked(file: bytes) -> Iterator[bytes]:
    for found in STREAM.finditer(file):
        try:
            yield zlib.decompress(found[1])
        except zlib.error:
            yield found[1]


def test_pdf_is_the_same_each_time(made: Statement) -> None:
    first = pdf.pdf_file(made)

    assert first.startswith(b"%PDF-")
    assert pdf.pdf_file(made) == first


def test_pdf_holds_the_signed_file(made: Statement) -> None:
    assert statements.json_file(made) in unpacked(pdf.pdf_file(made))


def test_pdf_says_the_numbers_and_who_signed(made: Statement, written: list[str]) -> None:
    pdf.pdf_file(made)

    assert written[written.index("Consumed") + 1] == "2"
    assert f"SHA-256 {statements.read_statement(made).servers[0].sha256}" in written
    assert {"Octo", "ghes1.octo.example", "Never synced", statements.signing_fingerprint(made)} <= set(written)


def test_pdf_says_how_many_are_missing(made: Statement, ledger: Ledger, written: list[str]) -> None:
    set_seats_purchased(ledger=ledger, seats_purchased=0, by=None, at=NOW)

    pdf.pdf_file(statements.make_now(ledger=ledger, by=None, at=NOW))

    assert written[written.index("Over") + 1] == "2"


def test_pdf_of_a_month_says_how_it_ended_and_what_has_changed_since(
    made: Statement, ledger: Ledger, written: list[str]
) -> None:
    late = datetime(2026, 4, 25, tzinfo=UTC)
    set_seats_purchased(ledger=ledger, seats_purchased=500, by=None, at=late)

    pdf.pdf_file(statements.make_month(ledger=ledger, month=date(2026, 3, 1), at=late))

    assert written[written.index("Purchased") + 1] == "100"
    assert "At the end of the month, as last counted on March 2, 2026. Highest count: 140." in written
    assert any(text.startswith("The books have changed since the end of the month") for text in written)
    assert any("2 consumed, 500 purchased" in text for text in written)


def test_pdf_speaks_french(made: Statement, written: list[str]) -> None:
    with translation.override("fr"):
        pdf.pdf_file(made)

    assert {"Relevé de licences", "Consommées", "du 1 mars 2026 au 2 mars 2026"} <= set(written)


def test_pdf_of_a_month_without_a_count(ledger: Ledger, written: list[str]) -> None:
    made = statements.make_now(ledger=ledger, by=None, at=datetime(2026, 5, 1, tzinfo=UTC))

    pdf.pdf_file(made)

    assert "Nothing was counted in this time; the numbers are those of before." in written


def test_paper_has_a_square_for_what_its_fonts_lack() -> None:
    paper = Paper(title="", foot="", language="en", at=NOW)

    assert paper.known("Ωктø 東") == f"Ωктø {UNKNOWN}"


def test_paper_cuts_what_is_too_long_for_its_column(made: Statement, ledger: Ledger, written: list[str]) -> None:
    ledger.installations.update(hostname=f"{'w' * 240}.example")

    assert pdf.pdf_file(statements.make_now(ledger=ledger, by=None, at=NOW)).startswith(b"%PDF-")
