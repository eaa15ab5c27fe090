"""The page of statements: each with its number, and the keys under which they are checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.paginator import Paginator

from cloud import statements

if TYPE_CHECKING:
    from cloud.models import Ledger, Statement

PER_PAGE: Final = 12
"""As few as the months of a year: each is read for its number."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the list."""

    statement: Statement
    consumed: int
    purchased: int


def statements_page(ledger: Ledger, number: str | None) -> dict[str, Any]:
    """Put together what the page shows, in three queries."""
    found = statements.statements(ledger).select_related("made_by").defer("jws")
    page = Paginator(found, PER_PAGE).get_page(number)
    return {"page": page, "rows": [_row(each) for each in page.object_list], "keys": statements.fingerprints()}


def _row(statement: Statement) -> Row:
    said = statements.read_headline(statement)
    return Row(statement=statement, consumed=said.consumed, purchased=said.purchased)
