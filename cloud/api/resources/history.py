"""How many licenses were consumed on each day, as the chart of the licensing page draws it."""

from typing import Annotated, Final

import msgspec
from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Router

from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.conditional import short_answer
from cloud.api.described import described
from cloud.api.paging import link_pages, window
from cloud.api.resources.words import TAG, about, number_in
from cloud.reports.history import history, server_history

WHOLE: Final = "all"

router = Router(auth=auth.person)


class HistoryDay(msgspec.Struct, frozen=True, kw_only=True):
    """The licenses of one day."""

    date: Annotated[str, about("The day in UTC, such as 2026-03-02.")]
    consumed: Annotated[int, about("The last count of the day.")]
    peak: Annotated[int, about("The highest count of the day.")]
    counted_apart: Annotated[int, about("What the cloud and the servers would consume without license sync.")]
    saved: Annotated[int, about("What license sync takes off that.")]
    purchased: int


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The days since the first count, the newest first."""

    total_count: int
    days: list[HistoryDay]


class ServerDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a server had on one day."""

    date: Annotated[str, about("The day in UTC, such as 2026-03-02.")]
    accounts: Annotated[int, about("License-consuming accounts that it had sent.")]
    added_licenses: Annotated[int, about("Licenses that only this server added.")]


class ServerHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The days since the server was first counted, the newest first."""

    total_count: int
    days: list[ServerDay]


_EXAMPLE: Final = History(
    total_count=1,
    days=[HistoryDay(date="2026-03-02", consumed=812, peak=815, counted_apart=1140, saved=328, purchased=1000)],
)
_OF_SERVER: Final = ServerHistory(total_count=1, days=[ServerDay(date="2026-03-02", accounts=640, added_licenses=115)])


@router.get(
    "/enterprises/{enterprise}/license-sync/history",
    url_name="history",
    **described("list-history", "List the licenses of each day", _EXAMPLE, tag=TAG, is_paged=True),
)
def list_history(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Consumed and purchased licenses by day. Where nothing was counted, the numbers are those of the day before."""
    asked, ledger = window(request), auth.ledger(request, enterprise)
    days = history(ledger, span=WHOLE, today=timezone.now().date())[::-1]
    listed = [
        HistoryDay(
            date=day.day.isoformat(),
            consumed=day.consumed,
            peak=day.peak,
            counted_apart=day.counted_apart,
            saved=day.saved,
            purchased=day.purchased,
        )
        for day in days[asked.rows]
    ]
    return link_pages(short_answer(request, History(total_count=len(days), days=listed)), request, asked, len(days))


@router.get(
    "/enterprises/{enterprise}/license-sync/servers/{server}/history",
    url_name="server_history",
    **described("list-server-history", "List what a server had each day", _OF_SERVER, tag=TAG, is_paged=True),
)
def list_server_history(request: TokenRequest, enterprise: str, server: str) -> HttpResponse:
    """Accounts of a server by day, and the licenses that only it added."""
    asked, ledger = window(request), auth.ledger(request, enterprise)
    installation = ledger.installations.filter(pk=number_in(server)).first()
    if installation is None:
        raise Http404
    days = server_history(installation, span=WHOLE, today=timezone.now().date())[::-1]
    listed = [
        ServerDay(date=day.day.isoformat(), accounts=day.accounts, added_licenses=day.added_licenses)
        for day in days[asked.rows]
    ]
    answer = ServerHistory(total_count=len(days), days=listed)
    return link_pages(short_answer(request, answer), request, asked, len(days))
