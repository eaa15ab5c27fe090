"""The history on the licensing page: range and server stand in the address, and the file says the same."""

import csv
import io
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from cloud.models import Installation, Ledger
from tests.cloud.books import connect, open_books

URL = "/enterprises/octo/licensing"


def _rows(client: Client, query: str) -> list[dict[str, str]]:
    response = client.get(f"{URL}/history.csv?{query}")
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_table_and_file_say_the_same(owner_client: Client, contested: Ledger) -> None:
    page = owner_client.get(f"{URL}?range=365")
    panel = page.context["history"]

    names = ("consumed", "peak", "counted_apart", "saved", "purchased")
    told = [
        {"date": day.day.isoformat(), **{name: str(getattr(day, name)) for name in names}}
        for day in reversed(panel.account.listed)
    ]

    assert told == _rows(owner_client, panel.account.csv_query)
    assert panel.account.chart["from"] == "2026-03-02"
    assert [line["values"][-1] for line in panel.account.chart["lines"]] == [30, 25, 35]
    assert "25 licenses were consumed on March 2, 2026, 25 are today" in " ".join(page.content.decode().split())


def test_table_of_many_years_leaves_the_old_days_to_the_file(owner_client: Client, contested: Ledger) -> None:
    contested.usage.update(day=timezone.now().date() - timedelta(days=500))

    page = owner_client.get(f"{URL}?range=all")

    assert len(page.context["history"].account.listed) == 366
    assert "135 earlier days are in the CSV file." in page.content.decode()
    assert len(_rows(owner_client, "range=all")) == 501


def test_server_is_chosen_in_the_address(owner_client: Client, contested: Ledger) -> None:
    ghes2 = Installation.objects.get(hostname="ghes2.octo.example")

    panel = owner_client.get(f"{URL}?range=all&server={ghes2.pk}").context["history"]

    assert {tab.url for tab in panel.tabs} == {
        f"?range={span}&server={ghes2.pk}#history" for span in ("90", "365", "all")
    }
    assert panel.server.listed[0].accounts == 7
    assert _rows(owner_client, panel.server.csv_query)[0] == {
        "date": "2026-03-02", "accounts": "7", "added_licenses": str(panel.server.listed[-1].added_licenses)
    }  # fmt: skip


def test_nonsense_in_the_address_counts_as_nothing_chosen(owner_client: Client, contested: Ledger) -> None:
    foreign = connect(open_books("foreign"), "ghes9.octo.example")

    for query in ("range=7&server=x", f"server={10**30}", f"server={foreign.pk}"):
        panel = owner_client.get(f"{URL}?{query}").context["history"]
        assert (panel.choice.span, panel.choice.server) == ("90", None)


def test_file_of_a_server_that_is_not_here_is_none(owner_client: Client, contested: Ledger) -> None:
    foreign = connect(open_books("foreign"), "ghes9.octo.example")

    assert owner_client.get(f"{URL}/history.csv?server={foreign.pk}").status_code == 404


def test_history_of_a_first_day_is_said_without_a_chart(owner_client: Client, contested: Ledger) -> None:
    contested.usage.update(day=timezone.now().date())
    ghes1 = Installation.objects.get(hostname="ghes1.octo.example")
    ghes1.points.all().delete()

    page = owner_client.get(f"{URL}?server={ghes1.pk}").content.decode()

    assert "The history begins on" in page
    assert "data-chart" not in page
    assert "The history of this server begins with the next change of the count." in page
