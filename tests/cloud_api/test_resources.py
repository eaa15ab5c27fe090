"""What GitHub's API does not have: history and servers, as the licensing page shows them."""

from datetime import date, timedelta
from typing import get_args

import pytest
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from cloud.api.resources import servers
from cloud.instances import Standing, instance_states
from cloud.models import Installation, Ledger, UsagePoint
from tests.cloud.books import connect, sync
from tests.cloud_api.servers import Api
from tests.cloud_api.test_reports import links

HISTORY = "/enterprises/octo/license-sync/history"
SERVERS = "/enterprises/octo/license-sync/servers"


def add_days(ledger: Ledger, number: int) -> None:
    UsagePoint.objects.bulk_create(
        UsagePoint(
            ledger=ledger,
            day=date(2025, 1, 1) + timedelta(days=day),
            consumed=800 + day,
            peak=810 + day,
            counted_apart=1000,
            purchased=900,
        )
        for day in range(number)
    )


def test_history_begins_with_the_newest_day(reader_api: Api, ledger: Ledger) -> None:
    add_days(ledger, 3)

    answer = reader_api.get(HISTORY).json()

    assert answer["total_count"] == ledger.usage.count()
    assert [day["date"] for day in answer["days"]][-3:] == ["2025-01-03", "2025-01-02", "2025-01-01"]
    assert answer["days"][-1] == {
        "date": "2025-01-01",
        "consumed": 800,
        "peak": 810,
        "counted_apart": 1000,
        "saved": 200,
        "purchased": 900,
    }


@pytest.mark.parametrize("prefix", ["/api/v3", ""])
def test_history_has_pages(prefix: str, reader_api: Api, ledger: Ledger) -> None:
    add_days(ledger, 25)
    reader_api.prefix = prefix

    response = reader_api.get(f"{HISTORY}?per_page=10&page=2&unknown=1")

    assert len(response.json()["days"]) == 10
    assert links(response)["next"] == f"http://testserver{prefix}{HISTORY}?per_page=10&page=3"


def test_servers_are_those_of_the_page(reader_api: Api, ledger: Ledger) -> None:
    server = connect(ledger, "b.octo.example")
    sync(server, [(7, "solo@octo.example"), (8, "duo@octo.example")])
    connect(ledger, "a.octo.example")
    Installation.objects.filter(pk=server.pk).update(last_sync_at=timezone.now() - timedelta(days=9))

    answer = reader_api.get(SERVERS, **{"Accept-Language": "fr"}).json()

    with translation.override("en"):
        states = instance_states(ledger, timezone.now())
        assert [found["label"] for found in answer["servers"]] == [str(state.label) for state in states]
    assert [found["standing"] for found in answer["servers"]] == ["never_synced", "stale"]
    assert answer["servers"][0]["last_sync"] is None
    stale = answer["servers"][1]
    assert (stale["id"], stale["accounts"], stale["added_licenses"], stale["is_overdue"]) == (server.pk, 2, 2, True)


def test_every_standing_has_a_word() -> None:
    assert [standing.name.lower() for standing in Standing] == list(get_args(servers.Standing))


@pytest.mark.parametrize("number", [1, 12])
def test_servers_take_a_fixed_number_of_queries(
    number: int, reader_api: Api, ledger: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for each in range(number):
        sync(connect(ledger, f"ghes{each}.octo.example"), [(7, f"u{each}@octo.example")])

    with django_assert_max_num_queries(8):
        assert reader_api.get(SERVERS).json()["total_count"] == number
