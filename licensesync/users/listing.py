"""The users of a server: search and filters that combine, pages that stay where they are, and the same set as CSV."""

import csv
import enum
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Q, QuerySet

from connect.models import Server
from enterprises import audit
from enterprises.csv_cells import Line, cell
from enterprises.models import User
from licensesync.models import Seat
from licensesync.users.exclusions import is_excluded
from wire.lines import MAX_USER_ID

PAGE: Final = 50
MAX_SEARCH: Final = 320
_CURSOR_ROWS: Final = 2_000
COLUMNS: Final = (
    "id",
    "login",
    "type",
    "role",
    "state",
    "consumes_license",
    "excluded",
    "primary_email",
    "created_at",
    "last_active",
)


class Filter(enum.StrEnum):
    """What a list can be narrowed to. Each user has one of the first three; several filters all hold."""

    ACTIVE = "active"
    DORMANT = "dormant"
    SUSPENDED = "suspended"
    NO_PRIMARY_ADDRESS = "no-primary-address"
    SAME_ADDRESS_TWICE = "same-address-twice"
    EXCLUDED = "excluded"
    NOT_EXCLUDED = "not-excluded"


STATES: Final = (Filter.ACTIVE, Filter.DORMANT, Filter.SUSPENDED)


@dataclass(frozen=True)
class Wanted:
    """Which users are meant."""

    search: str = ""
    filters: frozenset[Filter] = frozenset()


@dataclass(frozen=True, kw_only=True)
class UsersPage:
    """Some users by id, how many there are in all, and whether some lie before and after these."""

    users: list[Seat]
    found: int
    has_previous: bool
    has_next: bool


def state_of(seat: Seat) -> Filter:
    """Return the one of the three states that an account is in.

    Whoever is suspended is nothing else; bots and built-in accounts, which hold no license, are never called dormant.
    """
    if seat.is_suspended:
        return Filter.SUSPENDED
    return Filter.DORMANT if seat.is_dormant and seat.is_license_consuming else Filter.ACTIVE


def users(server: Server, wanted: Wanted) -> QuerySet[Seat]:
    """The users that are meant, by id, each with ``is_excluded``."""
    every = Seat.objects.filter(server=server)
    for each in wanted.filters:
        every = _narrowed(server, every, each)
    if text := wanted.search.strip()[:MAX_SEARCH]:
        every = every.filter(_matches(text))
    return every.annotate(is_excluded=is_excluded()).order_by("user_id")


def _narrowed(server: Server, seats: QuerySet[Seat], by: Filter) -> QuerySet[Seat]:
    match by:
        case Filter.ACTIVE:
            return seats.filter(Q(is_dormant=False) | Q(is_license_consuming=False), is_suspended=False)
        case Filter.DORMANT:
            return seats.filter(is_license_consuming=True, is_dormant=True)
        case Filter.SUSPENDED:
            return seats.filter(is_suspended=True)
        case Filter.NO_PRIMARY_ADDRESS:
            return seats.filter(primary_email="")
        case Filter.SAME_ADDRESS_TWICE:
            return seats.filter(primary_email__in=_addresses_of_several(server))
        case Filter.EXCLUDED:
            return seats.filter(is_excluded())
    return seats.filter(~is_excluded())


def _addresses_of_several(server: Server) -> QuerySet[Seat, str]:
    """Primary addresses, as they are matched, that more than one account of the server has."""
    named = Seat.objects.filter(server=server).exclude(primary_email="").values("primary_email")
    return named.annotate(accounts=Count("pk")).filter(accounts__gt=1).values_list("primary_email", flat=True)


def _matches(text: str) -> Q:
    """A part of the login or of any address, or the whole id."""
    lowered = text.lower()
    found = Q(login__icontains=text) | Q(primary_email__contains=lowered)
    if "@" in lowered:
        # Secondary addresses stand in the line alone, and there as JSON.
        found |= Q(line__contains=json.dumps(lowered, ensure_ascii=False)[1:-1])
    if text.isascii() and text.isdigit() and int(text) <= MAX_USER_ID:
        found |= Q(user_id=int(text))
    return found


def users_page(server: Server, wanted: Wanted, *, after: int = 0, before: int = 0) -> UsersPage:
    """Return the users next to an id, in at most four queries: nobody is left out or shown twice as lists change."""
    found = users(server, wanted)
    if before:
        rows = list(found.filter(user_id__lt=before).order_by("-user_id")[: PAGE + 1])
        shown = rows[:PAGE][::-1]
        has_previous, has_next = len(rows) > PAGE, found.filter(user_id__gte=before).exists()
    else:
        rows = list(found.filter(user_id__gt=after)[: PAGE + 1])
        shown = rows[:PAGE]
        has_next = len(rows) > PAGE
        has_previous = bool(after) and found.filter(user_id__lte=after).exists()
    return UsersPage(users=shown, found=found.count(), has_previous=has_previous, has_next=has_next)


def user_values(seat: Seat) -> dict[str, object]:
    """One user as CSV and command tell it, with the keys of `COLUMNS`."""
    return {
        "id": seat.user_id,
        "login": seat.login,
        "type": seat.type,
        "role": seat.role,
        "state": state_of(seat).value,
        "consumes_license": seat.is_license_consuming,
        "excluded": bool(getattr(seat, "is_excluded", False)),
        "primary_email": seat.primary_email,
        "created_at": seat.created_on_server_at.isoformat() if seat.created_on_server_at else None,
        "last_active": seat.last_active_at.isoformat() if seat.last_active_at else None,
    }


def each_user(server: Server, wanted: Wanted) -> Iterator[Seat]:
    """Every user that is meant, read as they are needed."""
    return users(server, wanted).iterator(chunk_size=_CURSOR_ROWS)


def csv_lines(server: Server, wanted: Wanted) -> Iterator[str]:
    """The header, then a line per user that is meant; memory does not grow with them."""
    pen = csv.writer(Line())
    yield pen.writerow(COLUMNS)
    for seat in each_user(server, wanted):
        yield pen.writerow([cell(value) for value in user_values(seat).values()])


def record_download(*, server: Server, wanted: Wanted, by: User | None, at: datetime, ip: str = "") -> None:
    """Audit that somebody takes the list of users away."""
    audit.record(
        enterprise=server.enterprise,
        action="report.download",
        by=by,
        at=at,
        ip=ip,
        target=server.hostname,
        # What was looked for may be somebody's address.
        after={"report": "users", "filters": sorted(wanted.filters), "searched": bool(wanted.search)},
    )
