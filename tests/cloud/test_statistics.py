"""What PostgreSQL believes a table to hold is near the truth before it joins it, whatever it believed before."""

import pytest

from cloud.models import Ledger
from cloud.staging import execute, fetch_row
from tests.cloud.books import connect, import_members, member, open_books, sync

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]

PEOPLE = 300
MEMBERS = [
    member(number, f"u{number}", emails=[{"email": f"u{number}@octo.example", "verified": True}])
    for number in range(1, PEOPLE + 1)
]
ACCOUNTS = [(number, f"u{number}@octo.example") for number in range(1, PEOPLE + 1)]
BULK = ("cloud_serveraccount", "cloud_member", "cloud_memberaddress")


@pytest.fixture
def ledger() -> Ledger:
    return open_books("octo")


def believed(table: str) -> float:
    return float(fetch_row("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", table)[0])


def forget(table: str) -> None:
    """As after many rows were deleted, and the table looked at when one was left."""
    execute("UPDATE pg_class SET reltuples = 1, relpages = 100 WHERE oid = %s::regclass", table)


def test_few_rows_are_many_where_none_were_known(ledger: Ledger) -> None:
    for table in BULK:
        forget(table)

    import_members(ledger, *MEMBERS)
    sync(connect(ledger, "ghes1.octo.example"), ACCOUNTS)

    assert {table: believed(table) for table in BULK} == dict.fromkeys(BULK, PEOPLE)


def test_few_rows_of_many_are_not_looked_at(ledger: Ledger) -> None:
    """An ``ANALYZE`` would make other accounts wait."""
    execute("UPDATE pg_class SET reltuples = 100000 WHERE relname = 'cloud_serveraccount'")

    sync(connect(ledger, "ghes1.octo.example"), ACCOUNTS)

    assert believed("cloud_serveraccount") == 100_000
