"""Why the number changed between two days or revisions: the sum of all changes in between, by reason."""

from datetime import UTC, timedelta
from typing import Annotated, Final

import msgspec
from django.http import HttpResponse
from django.utils import timezone, translation
from ninja import Router

from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.conditional import short_answer
from cloud.api.described import Parameter, described
from cloud.api.errors import Refused
from cloud.api.moments import written_if_any
from cloud.api.resources.words import TAG, about
from cloud.changes import Between, Point, PointUnknown, between, point_now, read_point
from cloud.models import Ledger
from wire.messages import ErrorCode

DAYS: Final = 30

router = Router(auth=auth.person)


class DifferencePoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where the count stood."""

    revision: int
    licenses: int
    at: Annotated[str | None, about("When the revision was; null before the first that is kept.")]


class DifferenceReason(msgspec.Struct, frozen=True, kw_only=True):
    """A reason and, where it is about one, the server."""

    reason: str
    server: Annotated[str, about("A host name, or empty.")]
    words: Annotated[str, about("The same in a few words.")]
    licenses: Annotated[int, about("What it did to the number.")]
    people: Annotated[int, about("Whom it concerned.")]
    still_listed: Annotated[int, about("How many of them are there now; of the others nothing is kept.")]


class NotRecorded(msgspec.Struct, frozen=True, kw_only=True):
    """Licenses that came and went before reasons were kept."""

    added: int
    removed: int
    recorded_since: str | None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """From one number to another: the licenses of all reasons, and what was not recorded, are the difference."""

    start: DifferencePoint
    end: DifferencePoint
    difference: int
    reasons: list[DifferenceReason]
    not_recorded: NotRecorded


PARAMETERS: Final = (
    Parameter(
        name="from",
        description=f"A day such as 2026-11-24, from its beginning in UTC on, or a revision; else {DAYS} days ago.",
        schema={"type": "string"},
    ),
    Parameter(name="to", description="A day, to its end, or a revision; else now.", schema={"type": "string"}),
)
_EXAMPLE: Final = Difference(
    start=DifferencePoint(revision=40, licenses=812, at="2026-02-23T09:30:00Z"),
    end=DifferencePoint(revision=41, licenses=845, at="2026-03-02T09:30:00Z"),
    difference=33,
    reasons=[
        DifferenceReason(
            reason="new_account",
            server="ghes2.octo.example",
            words="new account on ghes2.octo.example",
            licenses=33,
            people=33,
            still_listed=31,
        )
    ],
    not_recorded=NotRecorded(added=0, removed=0, recorded_since=None),
)


@router.get(
    "/enterprises/{enterprise}/license-sync/difference",
    url_name="difference",
    **described(
        "get-difference",
        "Say why the number changed between two days or revisions",
        _EXAMPLE,
        tag=TAG,
        parameters=PARAMETERS,
    ),
)
def show_difference(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Every reason between two points with its number. What is neither a day nor a revision that is kept is a 422."""
    ledger = auth.ledger(request, enterprise)
    with translation.override("en"):
        start, end = _points(request, ledger)
        return short_answer(request, _difference(between(ledger, start, end)))


def _points(request: TokenRequest, ledger: Ledger) -> tuple[Point, Point]:
    ago = (timezone.now().astimezone(UTC).date() - timedelta(days=DAYS)).isoformat()
    last = request.GET.get("to", "")
    try:
        start = read_point(ledger, request.GET.get("from", "") or ago, is_start=True, zone=UTC)
        end = read_point(ledger, last, is_start=False, zone=UTC) if last else point_now(ledger)
    except PointUnknown as error:
        raise Refused(ErrorCode.INVALID_REQUEST, f"Validation Failed: {error}") from error
    if start.number > end.number:
        raise Refused(ErrorCode.INVALID_REQUEST, "Validation Failed: to is before from.")
    return start, end


def _difference(why: Between) -> Difference:
    return Difference(
        start=_point(why.start),
        end=_point(why.end),
        difference=why.difference,
        reasons=[
            DifferenceReason(
                reason=line.reason.value,
                server=line.hostname,
                words=line.words,
                licenses=line.licenses,
                people=line.people,
                still_listed=line.listed,
            )
            for line in (*why.lines, *why.quiet)
        ],
        not_recorded=NotRecorded(
            added=why.unrecorded_added,
            removed=why.unrecorded_removed,
            recorded_since=written_if_any(why.recorded_since),
        ),
    )


def _point(point: Point) -> DifferencePoint:
    return DifferencePoint(revision=point.number, licenses=point.licenses, at=written_if_any(point.at))
