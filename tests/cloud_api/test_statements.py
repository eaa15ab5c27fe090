"""Statements over the API: the list, and the file as the page gives it."""

from datetime import UTC, datetime

import pytest

from cloud import statements
from cloud.models import Ledger
from cloud.services import open_ledger
from tests.cloud.books import NOW, connect, sync
from tests.cloud_api.servers import Api
from tests.factories import make_cloud_enterprise

STATEMENTS = "/enterprises/octo/license-sync/statements"
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def counted(ledger: Ledger) -> Ledger:
    """Octo with something counted in March."""
    sync(connect(ledger, "ghes1.octo.example"), [(7, "a@octo.example")])
    return ledger


def test_list_says_where_each_file_is(reader_api: Api, counted: Ledger) -> None:
    moment = statements.make_now(ledger=counted, by=None, at=NOW)
    month = statements.make_month(ledger=counted, month=NOW.date().replace(day=1), at=APRIL)

    answer = reader_api.get(STATEMENTS).json()

    assert answer["total_count"] == 2
    assert [(each["id"], each["kind"], each["month"]) for each in answer["statements"]] == [
        (month.pk, "month", "2026-03"),
        (moment.pk, "moment", ""),
    ]
    newest = answer["statements"][0]
    assert (newest["consumed"], newest["key_fingerprint"]) == (1, statements.signing_fingerprint(month))
    assert newest["url"] == f"http://testserver/api/v3{STATEMENTS}/{month.pk}"


def test_file_is_that_of_the_page_and_is_not_sent_twice(reader_api: Api, counted: Ledger) -> None:
    made = statements.make_now(ledger=counted, by=None, at=NOW)

    first = reader_api.get(f"{STATEMENTS}/{made.pk}")

    assert first.content == statements.json_file(made)
    assert first["Content-Disposition"] == f'attachment; filename="{statements.file_name(made, "json")}"'
    assert reader_api.get(f"{STATEMENTS}/{made.pk}", If_None_Match=first["ETag"]).status_code == 304


def test_statement_of_another_account_is_not_found(reader_api: Api, counted: Ledger) -> None:
    other = open_ledger(enterprise=make_cloud_enterprise("elsewhere"), at=NOW)
    made = statements.make_now(ledger=other, by=None, at=NOW)

    assert reader_api.get(f"{STATEMENTS}/{made.pk}").status_code == 404
    assert reader_api.get(f"{STATEMENTS}/x").status_code == 404
