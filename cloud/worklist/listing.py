"""Which entries of the worklist are meant, in the order of the list, page by page: read by key, so that an entry that
leaves a page moves no other one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Count, Q, QuerySet, Sum

from cloud.models import Installation, Ledger, ServerAccount, Suspect
from cloud.suspects.stakes import counted_twice

if TYPE_CHECKING:
    from enterprises.models import User

PER_PAGE: Final = 25
NOBODY: Final = "nobody"

State = Suspect.State
Place = tuple[int, int, int]

_OVER: Final = frozenset({State.CONFIRMED, State.GONE})


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for: a state, and at will a kind, a server, and whose entries."""

    state: str = State.OPEN
    kind: str = ""
    server: Installation | None = None
    assignee: User | None = None
    unassigned: bool = False

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the state is given."""
        return bool(self.kind or self.server or self.assignee or self.unassigned)


@dataclass(frozen=True)
class Listed:
    """A page of entries, and the places of its neighbors; None where there is none."""

    entries: list[Suspect]
    previous: Place | None
    next: Place | None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many entries there are of each state, and how many licenses are at stake in those that are listed."""

    by_state: dict[str, int]
    licenses_at_stake: int

    @property
    def listed(self) -> int:
        """Those that somebody has to look at or to wait for."""
        return sum(self.by_state.get(state, 0) for state in Suspect.LISTED)


def entries(ledger: Ledger, wanted: Wanted) -> QuerySet[Suspect]:
    """Those that are meant: what frees most and is most probable first, of what is over the newest first."""
    found = Suspect.objects.filter(ledger=ledger, state=wanted.state)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.assignee:
        found = found.filter(assignee=wanted.assignee)
    if wanted.unassigned:
        found = found.filter(assignee=None)
    if wanted.server:
        found = found.filter(_has_account(wanted.server, "first_key") | _has_account(wanted.server, "second_key"))
    return found.order_by(*_order(wanted))


def page_of(
    ledger: Ledger, wanted: Wanted, *, after: Place | None = None, before: Place | None = None, size: int
) -> Listed:
    """The entries after or before a place, with everything that a row shows of the two people."""
    found = entries(ledger, wanted).select_related(
        "first_license__member", "second_license__member", "assignee", "state_by"
    )
    if before:
        backwards = [name[1:] if name.startswith("-") else f"-{name}" for name in _order(wanted)]
        some = list(found.filter(_beyond(wanted, before, forward=False)).order_by(*backwards)[: size + 1])
        has_previous, has_next, some = len(some) > size, True, some[:size][::-1]
    else:
        some = list((found.filter(_beyond(wanted, after, forward=True)) if after else found)[: size + 1])
        has_previous, has_next, some = after is not None, len(some) > size, some[:size]
    return Listed(
        some,
        _place(some[0], wanted) if some and has_previous else None,
        _place(some[-1], wanted) if some and has_next else None,
    )


def counts(ledger: Ledger) -> Counts:
    """The numbers above the list, in two queries."""
    rows = (
        Suspect.objects.filter(ledger=ledger)
        .values("state")
        .order_by()
        .annotate(n=Count("pk"), at_stake=Sum("licenses_at_stake"))
    )
    found = list(rows)
    return Counts(
        by_state={row["state"]: row["n"] for row in found},
        licenses_at_stake=sum(row["at_stake"] for row in found if row["state"] in Suspect.LISTED)
        - counted_twice(ledger),
    )


def _order(wanted: Wanted) -> tuple[str, str, str]:
    if wanted.state in _OVER:
        return "-closed_revision", "-score", "id"
    return "-licenses_at_stake", "-score", "id"


def _place(suspect: Suspect, wanted: Wanted) -> Place:
    first = suspect.closed_revision or 0 if wanted.state in _OVER else suspect.licenses_at_stake
    return first, suspect.score, suspect.pk


def _beyond(wanted: Wanted, place: Place, *, forward: bool) -> Q:
    first, score, pk = place
    name = _order(wanted)[0][1:]
    falls, rises = ("lt", "gt") if forward else ("gt", "lt")
    return (
        Q(**{f"{name}__{falls}": first})
        | Q(**{name: first, f"score__{falls}": score})
        | Q(**{name: first, "score": score, f"id__{rises}": pk})
    )


def _has_account(server: Installation, key: str) -> Q:
    # One list for all of them: SQLite would go through the whole server for each entry.
    accounts = ServerAccount.objects.filter(installation=server).exclude(person_key="")
    return Q(**{f"{key}__in": accounts.values("person_key")})
