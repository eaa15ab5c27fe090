"""The history on the licensing page: what its chart draws, what its table lists, and what can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from cloud.models import Installation
from cloud.reports.history import (
    DEFAULT_SPAN,
    SPANS,
    Forecast,
    HistoryDay,
    ServerDay,
    forecast,
    history,
    history_csv,
    server_history,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from django.utils.functional import _StrPromise

    from cloud.models import Ledger

MAX_DAYS_LISTED: Final = 366
"""A page does not grow with the years: older days are in the CSV file, and in the chart."""

_SPAN_NAMES: Final[dict[str, _StrPromise]] = {
    "90": gettext_lazy("90 days"),
    "365": gettext_lazy("A year"),
    "all": pgettext_lazy("history", "All"),
}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What somebody asks to see of the history; nonsense counts as nothing chosen."""

    span: str
    server: Installation | None

    @classmethod
    def of(cls, query: Mapping[str, str], ledger: Ledger) -> Choice:
        """Read the address of a page or file."""
        span, server = query.get("range", ""), query.get("server", "")
        is_number = server.isascii() and server.isdecimal() and len(server) <= len(str(2**63)) - 1
        found = ledger.installations.filter(pk=int(server)).first() if is_number else None
        return cls(span=span if span in SPANS else DEFAULT_SPAN, server=found)

    def query(self, **other: str) -> str:
        """The same choice in an address, with something else in it."""
        chosen = {"range": self.span, "server": str(self.server.pk) if self.server else ""} | other
        return urlencode({name: value for name, value in chosen.items() if value})


@dataclass(frozen=True, kw_only=True)
class Tab:
    """A span that can be chosen."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class Series:
    """Days in a chart and in a table, newest first in the latter."""

    listed: Sequence[HistoryDay | ServerDay]
    not_listed: int
    chart: dict[str, Any]
    """For static/js/chart.js; empty where one day makes no line."""
    csv_query: str


@dataclass(frozen=True, kw_only=True)
class HistoryPanel:
    """The history of an account, and on demand of one of its servers."""

    choice: Choice
    tabs: list[Tab]
    account: Series
    server: Series | None
    first: HistoryDay | None
    last: HistoryDay | None
    peak: int
    forecast: Forecast | None


def history_panel(ledger: Ledger, query: Mapping[str, str], at: datetime) -> HistoryPanel:
    """Put together what the page shows, in two queries, and three more for a server."""
    choice, today = Choice.of(query, ledger), at.astimezone(UTC).date()
    days = history(ledger, span=choice.span, today=today)
    server_days = server_history(choice.server, span=choice.span, today=today) if choice.server else []
    return HistoryPanel(
        choice=choice,
        tabs=[
            Tab(label=str(name), url=f"?{choice.query(range=span)}#history", is_current=span == choice.span)
            for span, name in _SPAN_NAMES.items()
        ],
        account=_series(
            days,
            {
                "purchased": (_("Purchased"), [day.purchased for day in days]),
                "consumed": (_("Consumed"), [day.consumed for day in days]),
                "apart": (_("Counted apart"), [day.counted_apart for day in days]),
            },
            choice.query(server=""),
        ),
        server=_series(
            server_days,
            {
                "accounts": (_("Accounts"), [day.accounts for day in server_days]),
                "added": (_("Licenses only it adds"), [day.added_licenses for day in server_days]),
            },
            choice.query(),
        )
        if choice.server
        else None,
        first=days[0] if days else None,
        last=days[-1] if days else None,
        peak=max((day.peak for day in days), default=0),
        forecast=forecast(days),
    )


def history_lines(ledger: Ledger, query: Mapping[str, str], at: datetime) -> tuple[Iterator[str], str]:
    """The lines of the CSV file, and its name: of the server that is chosen, or of the account.

    :raises Installation.DoesNotExist: another server was meant than there is
    """
    choice, today = Choice.of(query, ledger), at.astimezone(UTC).date()
    if query.get("server") and choice.server is None:
        raise Installation.DoesNotExist
    slug = ledger.enterprise.slug
    if choice.server:
        server_days = server_history(choice.server, span=choice.span, today=today)
        return history_csv(server_days, ServerDay), f"server_history-{slug}-{today}.csv"
    days = history(ledger, span=choice.span, today=today)
    return history_csv(days, HistoryDay), f"license_history-{slug}-{today}.csv"


def _series(days: Sequence[HistoryDay | ServerDay], lines: dict[str, tuple[str, list[int]]], csv_query: str) -> Series:
    chart = (
        {
            "from": days[0].day.isoformat(),
            "lines": [{"kind": kind, "label": label, "values": values} for kind, (label, values) in lines.items()],
        }
        if len(days) > 1
        else {}
    )
    return Series(
        listed=days[: -MAX_DAYS_LISTED - 1 : -1],
        not_listed=max(len(days) - MAX_DAYS_LISTED, 0),
        chart=chart,
        csv_query=csv_query,
    )
