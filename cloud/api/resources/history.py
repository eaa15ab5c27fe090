"""How many licenses were consumed on each day."""

from typing import Annotated, Final

import msgspec
from django.http import HttpResponse
from ninja import Router

from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.conditional import short_answer
from cloud.api.described import described
from cloud.api.paging import link_pages, window
from cloud.api.resources.words import TAG, about
from cloud.models import UsagePoint

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
    """The days on which something was counted, the newest first."""

    total_count: int
    days: list[HistoryDay]


_EXAMPLE: Final = History(
    total_count=1,
    days=[HistoryDay(date="2026-03-02", consumed=812, peak=815, counted_apart=1140, saved=328, purchased=1000)],
)


@router.get(
    "/enterprises/{enterprise}/license-sync/history",
    url_name="history",
    **described("list-history", "List the licenses of each day", _EXAMPLE, tag=TAG, is_paged=True),
)
def list_history(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Consumed and purchased licenses by day, the newest first. A day on which nothing was counted is not there."""
    asked, points = window(request), auth.ledger(request, enterprise).usage.order_by("-day")
    listed = points.count()
    history = History(total_count=listed, days=[_day(point) for point in points[asked.rows]])
    return link_pages(short_answer(request, history), request, asked, listed)


def _day(point: UsagePoint) -> HistoryDay:
    return HistoryDay(
        date=point.day.isoformat(),
        consumed=point.consumed,
        peak=point.peak,
        counted_apart=point.counted_apart,
        saved=point.counted_apart - point.consumed,
        purchased=point.purchased,
    )
