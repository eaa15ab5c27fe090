"""How the count went, day by day, and how far ahead it can be seen."""

import csv
from datetime import date, timedelta
from typing import Any

import pytest

from cloud.models import Ledger
from cloud.reports.history import Forecast, HistoryDay, ServerDay, forecast, history, history_csv, server_history
from tests.cloud.books import connect

TODAY = date(2026, 6, 30)


def _count(ledger: Ledger, days_ago: int, consumed: int, **numbers: int) -> None:
    fields: dict[str, Any] = {"peak": consumed, "counted_apart": consumed, "purchased": 100, **numbers}
    ledger.usage.create(day=TODAY - timedelta(days=days_ago), consumed=consumed, **fields)


def _days(*consumed: int, purchased: int = 1_000) -> list[HistoryDay]:
    first = TODAY - timedelta(days=len(consumed) - 1)
    return [
        HistoryDay(
            day=first + timedelta(days=at),
            consumed=count,
            peak=count,
            counted_apart=count,
            saved=0,
            purchased=purchased,
        )
        for at, count in enumerate(consumed)
    ]


def test_every_day_has_the_numbers_of_the_last_count(ledger: Ledger) -> None:
    _count(ledger, 3, 10, peak=12, counted_apart=15)
    _count(ledger, 1, 11)

    days = history(ledger, span="all", today=TODAY)

    assert [(TODAY - day.day).days for day in days] == [3, 2, 1, 0]
    assert [(day.consumed, day.peak, day.saved) for day in days] == [
        (10, 12, 5),
        (10, 10, 5),
        (11, 11, 0),
        (11, 11, 0),
    ]


def test_span_begins_with_what_was_held_before_it(ledger: Ledger) -> None:
    _count(ledger, 200, 10, peak=99)
    _count(ledger, 40, 20)

    days = history(ledger, span="90", today=TODAY)

    assert (len(days), days[0].day) == (91, TODAY - timedelta(days=90))
    assert (days[0].consumed, days[0].peak, days[-1].consumed) == (10, 10, 20)
    assert len(history(ledger, span="365", today=TODAY)) == 201
    assert history(ledger, span="nonsense", today=TODAY) == days


def test_count_of_a_clock_that_was_ahead_is_shown(ledger: Ledger) -> None:
    _count(ledger, -2, 10)

    assert [day.day for day in history(ledger, span="90", today=TODAY)] == [TODAY + timedelta(days=2)]


def test_nothing_that_was_counted_has_no_days(ledger: Ledger) -> None:
    assert history(ledger, span="all", today=TODAY) == []
    assert server_history(connect(ledger, "ghes1.octo.example"), span="all", today=TODAY) == []


def test_days_of_a_server_are_its_own(ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    connect(ledger, "ghes2.octo.example").points.create(day=TODAY, accounts=9, added_licenses=9)
    server.points.create(day=TODAY - timedelta(days=1), accounts=5, added_licenses=2)

    days = server_history(server, span="90", today=TODAY)

    assert [(day.accounts, day.added_licenses) for day in days] == [(5, 2), (5, 2)]


def test_csv_has_a_line_for_every_day(ledger: Ledger) -> None:
    _count(ledger, 1, 10)
    server = connect(ledger, "ghes1.octo.example")
    server.points.create(day=TODAY, accounts=5, added_licenses=2)

    account = list(csv.reader(history_csv(history(ledger, span="all", today=TODAY), HistoryDay)))
    of_server = list(csv.reader(history_csv(server_history(server, span="all", today=TODAY), ServerDay)))

    assert account[0] == ["date", "consumed", "peak", "counted_apart", "saved", "purchased"]
    assert account[1:] == [["2026-06-29", "10", "10", "10", "0", "100"], ["2026-06-30", "10", "10", "10", "0", "100"]]
    assert of_server == [["date", "accounts", "added_licenses"], ["2026-06-30", "5", "2"]]


def test_forecast_follows_the_pace_of_ninety_days() -> None:
    days = _days(*range(500, 500 + 300), purchased=829)

    assert forecast(days) == Forecast(of_days=90, used_up_on=TODAY + timedelta(days=30))


@pytest.mark.parametrize(
    ("days", "why"),
    [
        (_days(*range(60)), "sixty days are not over"),
        (_days(*([5] * 90)), "nothing grew"),
        (_days(*range(90, 0, -1)), "it fell"),
        (_days(*([5] * 45), *range(45)), "only one half grew"),
        (_days(*range(45), *range(200, 245)), "a jump is no pace"),
        (_days(*range(90), purchased=89), "no license is free"),
        (_days(*range(90), purchased=89 + 731), "it is too far away"),
        ([], "nothing was counted"),
    ],
)
def test_forecast_is_silent_where_nobody_can_say(days: list[HistoryDay], why: str) -> None:
    assert forecast(days) is None, why


def test_forecast_says_of_how_many_days_it_is() -> None:
    assert forecast(_days(*range(61), purchased=70)) == Forecast(of_days=60, used_up_on=TODAY + timedelta(days=10))
