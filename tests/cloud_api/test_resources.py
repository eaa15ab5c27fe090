"""What GitHub's API does not have: people, history, changes and servers, as the pages show them."""

import io
import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import get_args

import pytest
from django.core.management import call_command
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from cloud.api.resources import servers
from cloud.instances import Standing, instance_states
from cloud.models import Installation, Ledger, UsagePoint
from cloud.reports.history import history, server_history
from cloud.services import open_ledger
from tests.cloud.books import connect, import_members, member, sync
from tests.cloud.refused_files import applied, new_server
from tests.cloud_api.servers import Api, code_of
from tests.cloud_api.test_reports import links
from tests.factories import NOW, make_cloud_enterprise

HISTORY = "/enterprises/octo/license-sync/history"
CHANGES = "/enterprises/octo/license-sync/changes"
DIFFERENCE = "/enterprises/octo/license-sync/difference"
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


@pytest.mark.parametrize("prefix", ["/api/v3", ""])
def test_history_is_the_chart_of_the_page_from_its_end(prefix: str, reader_api: Api, ledger: Ledger) -> None:
    add_days(ledger, 25)
    reader_api.prefix = prefix
    days = history(ledger, span="all", today=timezone.now().date())[::-1]

    response = reader_api.get(f"{HISTORY}?per_page=10&page=2&unknown=1")

    answer = response.json()
    assert answer["total_count"] == len(days)
    assert answer["days"] == [
        {"date": day.pop("day").isoformat(), **day} for day in (asdict(each) for each in days[10:20])
    ]
    assert links(response)["next"] == f"http://testserver{prefix}{HISTORY}?per_page=10&page=3"


def test_server_has_a_history_of_its_own(reader_api: Api, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [(7, "solo@octo.example"), (8, "duo@octo.example")])

    answer = reader_api.get(f"{SERVERS}/{server.pk}/history").json()

    today = timezone.now().date()
    assert answer["days"][0] == {"date": today.isoformat(), "accounts": 2, "added_licenses": 2}
    assert answer["total_count"] == len(server_history(server, span="all", today=today))


@pytest.mark.parametrize("server", ["0", "999999999", "9" * 40, "x", "1.5", "%00"])
def test_no_other_server_has_one(server: str, reader_api: Api, ledger: Ledger) -> None:
    assert reader_api.get(f"{SERVERS}/{server}/history").status_code == 404


def test_server_of_another_account_is_not_found(reader_api: Api, ledger: Ledger) -> None:
    other = connect(open_ledger(enterprise=make_cloud_enterprise("elsewhere"), at=NOW), "ghes1.octo.example")

    assert reader_api.get(f"{SERVERS}/{other.pk}/history").status_code == 404


def test_changes_add_up(reader_api: Api, ledger: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    server = connect(ledger, "ghes1.octo.example")
    import_members(ledger, member(1, "mona", emails=[{"email": "mona@octo.example", "verified": True}]))
    sync(server, [(7, "mona@octo.example"), (8, "solo@octo.example")])
    sync(server, [(7, "mona@old.example"), (9, "duo@octo.example")])

    with django_assert_max_num_queries(7):
        answer = reader_api.get(f"{CHANGES}?per_page=50").json()

    changes = answer["changes"]
    assert answer["total_count"] == len(changes) == ledger.revisions.count()
    assert [change["revision"] for change in changes] == sorted((row["revision"] for row in changes), reverse=True)
    for change in changes:
        moved = sum(reason["people"] * reason["effect"] for reason in change["reasons"])
        assert change["licenses_after"] - change["licenses_before"] == moved
    assert {reason["reason"]: reason["people"] for reason in changes[0]["reasons"]} == {
        "unmatched_address": 1,
        "new_account": 1,
        "account_gone": 1,
        "stayed_unmatched": 1,
    }
    assert changes[0]["text"] == "Sync of ghes1.octo.example"


def test_change_without_reasons_says_so(reader_api: Api, ledger: Ledger) -> None:
    import_members(ledger, member(1, "mona"))
    ledger.revisions.update(has_reasons=False)

    (change, *_) = reader_api.get(CHANGES).json()["changes"]

    assert (change["reasons"], change["hostname"], change["cause"]) == (None, None, "members")


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


def test_server_that_reports_by_file_says_so(reader_api: Api, ledger: Ledger) -> None:
    applied(ledger, new_server())

    (answer,) = reader_api.get(SERVERS).json()["servers"]

    assert (answer["state"], answer["channel"], answer["accounts"]) == ("by_file", "file", 2)


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


def test_difference_is_what_the_command_says(reader_api: Api, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [(7, "solo@octo.example"), (8, "duo@octo.example")])
    sync(server, [(8, "duo@octo.example"), (9, "trio@octo.example"), (10, "four@octo.example")])
    output = io.StringIO()
    call_command("license_changes", "octo", "--from", "1", "--json", stdout=output)
    said = json.loads(output.getvalue())

    answer = reader_api.get(f"{DIFFERENCE}?from=1").json()

    assert answer["reasons"] == said["reasons"]
    assert answer["not_recorded"] == said["not_recorded"]
    assert (answer["difference"], answer["end"]["licenses"]) == (said["difference"], 3)
    assert sum(reason["licenses"] for reason in answer["reasons"]) == answer["difference"]


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-02-31", "from=99999", "from=2&to=1", "to=0001-01-01"])
def test_difference_of_what_is_not_kept_is_refused(query: str, reader_api: Api, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [(7, "solo@octo.example")])
    sync(server, [(8, "duo@octo.example")])

    response = reader_api.get(f"{DIFFERENCE}?{query}")

    assert (response.status_code, code_of(response)) == (422, "invalid_request")
