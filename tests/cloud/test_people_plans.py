"""Lists of people answer from indexes: whoever is looked for by something rare is not sought among everybody."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from cloud.models import Ledger
from cloud.people import PeopleFilter, people
from cloud.people.choices import choices
from cloud.people.paging import people_page
from cloud.shares import added_licenses
from tests.cloud.books import open_books
from tests.cloud.crowd import fill
from tests.support.shared_rows import shared_rows

PEOPLE = 20_000
RARE = [
    {"server": "rare.octo.example"},
    {"role": "owner"},
    {"organization": "org-2", "role": "owner"},
    {"two_factor": "disabled"},
    {"domain": "rare.example"},
    {"license_type": "visual_studio"},
    {"ambiguous": "true"},
]


@pytest.fixture(scope="module")
def written(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ledger]:
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            ledger = open_books("octo")
            fill(ledger, PEOPLE)
        yield ledger


@pytest.fixture
def crowd(written: Ledger, db: None) -> Ledger:
    return written


def plans(ledger: Ledger, wanted: PeopleFilter, after: str = "") -> str:
    """How the database answers every query of a page."""
    with CaptureQueriesContext(connection) as queries:
        assert people_page(ledger, wanted, after=after).licenses
    return explained(queries)


def explained(queries: CaptureQueriesContext) -> str:
    """How the database answers each of some queries."""
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    lines = []
    with connection.cursor() as cursor:
        for query in queries.captured_queries:
            cursor.execute(f"{explain} {query['sql']}")
            lines += [str(row[-1]) for row in cursor.fetchall()]
    return "\n".join(lines)


def reads_everybody(plan: str) -> bool:
    """Whether all people, members, addresses or accounts are gone through."""
    tables = ("cloud_consumedlicense", "cloud_member", "cloud_memberaddress", "cloud_memberrole", "cloud_serveraccount")
    scans = [f"{word} {table}" for word in ("Seq Scan on", "SCAN") for table in tables]
    return any(scan in plan for scan in scans) or "license_order" in plan


@pytest.mark.parametrize("query", RARE, ids=str)
def test_few_among_many_are_found_by_index(crowd: Ledger, query: dict[str, str]) -> None:
    wanted = PeopleFilter.from_query(query)

    assert 0 < people(crowd, wanted).count() <= PEOPLE // 1000
    assert not reads_everybody(plans(crowd, wanted)), plans(crowd, wanted)


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("name", "license_order"),
        ("-name", "license_order"),
        ("accounts", "license_accounts"),
        ("-accounts", "license_accounts"),
        ("since", "license_newest"),
        ("-since", "license_newest"),
    ],
)
def test_each_order_is_an_index_from_the_first_page_to_the_next(crowd: Ledger, sort: str, index: str) -> None:
    wanted = PeopleFilter.from_query({"sort": sort})

    for after in ("", people_page(crowd, wanted).after):
        plan = plans(crowd, wanted, after)
        assert index in plan, plan
        assert "Seq Scan on cloud_consumedlicense" not in plan
        assert "TEMP B-TREE" not in plan


def test_choices_step_through_an_index(crowd: Ledger) -> None:
    found = choices(crowd, PeopleFilter())

    assert [value for value, _text in found["organization"]] == [f"org-{n}" for n in range(5)]
    assert [value for value, _text in found["role"]] == ["member", "owner"]


def test_licenses_that_servers_add_are_counted_from_those_on_servers_only(crowd: Ledger) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert sum(added_licenses(crowd).values()) == PEOPLE // 10

    assert "license_server_only" in explained(queries)
