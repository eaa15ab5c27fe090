"""A count asks as often for many entries as for few, and a list of them goes through no server for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cloud.models import Ledger, Suspect
from cloud.worklist.listing import Wanted, entries
from tests.cloud.books import connect, import_members, member, open_books, sync
from tests.cloud.pairs import note_pair

State = Suspect.State
Addresses = Callable[[int], str]


def octo(number: int) -> str:
    return f"one-{number}@octo.example"


def home(number: int) -> str:
    return f"one-{number}@home.example"


def other(number: int) -> str:
    return f"one-{number}@other.example"


def asked(slug: str, ledger: Ledger, pairs: int, *lists: Addresses) -> int:
    """How many statements the last of some syncs takes, where so many members have an account at home."""
    numbers = range(1, pairs + 1)
    import_members(ledger, *(member(n, f"one-{n}", emails=[{"email": octo(n), "verified": True}]) for n in numbers))
    server = connect(ledger, f"{slug}.octo.example")
    sync(server, [(n, home(n)) for n in numbers])
    ledger.refresh_from_db()
    for n in numbers:
        note_pair(ledger, f"m:{n}", f"a:{home(n)}")
    for address in lists:
        with CaptureQueriesContext(connection) as queries:
            sync(server, [(n, address(n)) for n in numbers])
    return len(queries)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        pytest.param((octo,), {"state": State.CONFIRMED, "licenses_freed": 1}, id="closes"),
        pytest.param((other,), {"state": State.OPEN, "evidence": []}, id="readdresses"),
        pytest.param((octo, home), {"state": State.CONFIRMED, "parted_revision__isnull": False}, id="takes-back"),
    ],
)
def test_count_asks_as_often_for_many_entries_as_for_few(
    ledger: Ledger, lists: tuple[Addresses, ...], expected: dict[str, Any]
) -> None:
    others = open_books("others")

    few, many = asked("few", ledger, 2, *lists), asked("many", others, 12, *lists)

    assert many == few
    assert Suspect.objects.filter(ledger=others, **expected).count() == 12


def test_entries_of_a_server_are_found_without_asking_it_for_each(ledger: Ledger) -> None:
    asked("one", ledger, 2, home)
    server = ledger.installations.get()
    is_postgresql = connection.vendor == "postgresql"
    explain, one_list = ("EXPLAIN", "hashed SubPlan") if is_postgresql else ("EXPLAIN QUERY PLAN", "LIST SUBQUERY")

    found = entries(ledger, Wanted(server=server))

    with CaptureQueriesContext(connection) as queries:
        assert found.count() == 2
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {queries.captured_queries[0]['sql']}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert one_list in plan
    assert "CORRELATED" not in plan
