"""The cloud account octo, with books and a month of changes."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from tests.cloud_pages.conftest import ledger

if TYPE_CHECKING:
    from cloud.models import Ledger

__all__ = ["ledger"]


@pytest.fixture
def november(ledger: Ledger) -> Ledger:
    """A month that takes six licenses and gives two back; of the people who came one has left."""
    books = import_module("tests.cloud.books")
    verified = [{"email": "mona@octo.example", "verified": True}]
    mona = books.member(7, "mona", emails=verified)
    suspended = books.member(8, "sam", suspended=True)
    two = books.connect(ledger, "ghes2.octo.example")

    books.import_members(ledger, mona, suspended, books.member(9, "lena"))
    books.sync(two, [(1, "mona@octo.example"), (2, "hubot@octo.example"), (3, "kim@octo.example")])
    books.sync(two, [(1, "mona@old.example"), (2, "hubot@octo.example"), (4, None)])
    books.import_members(
        ledger, mona, books.member(8, "sam"), books.member(5, "ines", member_roles=[], pending_invites=["octo"])
    )

    for number, day in enumerate((1, 8, 15, 22), start=1):
        ledger.revisions.filter(number=number).update(at=datetime(2026, 11, day, 12, tzinfo=UTC))
    ledger.refresh_from_db()
    return ledger
