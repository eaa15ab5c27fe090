"""What people decide about entries of the worklist: who takes one, that it is none, that its fix is announced.

Everything runs under the ledger's lock, as do the search and the syncs that close entries: whoever comes second finds
what the first one left. Each service takes the numbers of entries, changes those that it may, and says how many.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from cloud.locks import locked
from cloud.models import Ledger, Suspect
from enterprises.audit import record
from enterprises.models import Role, User

MOST_AT_ONCE: Final = 500

State = Suspect.State
Reason = Suspect.Reason


class NotAssignable(Exception):
    """Whoever is to take an entry has no role in the cloud account."""


class NoSuchFix(Exception):
    """The entry has no fix of that number."""


class NoReason(Exception):
    """Nothing is dismissed without a reason."""


def assign(
    *, ledger: Ledger, entries: Collection[int], to: User | None, by: User | None, at: datetime, ip: str = ""
) -> int:
    """Give open and waiting entries to somebody with a role in the account, or to nobody.

    :raises NotAssignable: ``to`` has none
    """
    with locked(ledger) as held:
        if to is not None and not Role.objects.filter(enterprise=held.enterprise_id, user=to).exists():
            raise NotAssignable
        found = _found(held, entries, Suspect.LISTED)
        chosen = found.exclude(assignee=to) if to else found.exclude(assignee=None)
        changes = {"assignee": to, "assigned_at": at if to else None}
        who = to.get_username() if to else None
        return _change(held, chosen, changes, action="duplicate.assign", by=by, at=at, ip=ip, after={"assignee": who})


def dismiss(
    *, ledger: Ledger, entries: Collection[int], reason: str, by: User | None, at: datetime, ip: str = ""
) -> int:
    """Say that entries are none, and why: they stay so, however often they are found again.

    :raises NoReason: ``reason`` is none of ``Suspect.Reason``
    """
    if reason not in Reason.values or reason == Reason.NONE:
        raise NoReason
    with locked(ledger) as held:
        chosen = _found(held, entries, Suspect.LISTED)
        changes = {**_state(State.DISMISSED, by, at), "reason": reason, "awaited": None, "returned_revision": None}
        return _change(held, chosen, changes, action="duplicate.dismiss", by=by, at=at, ip=ip, after={"reason": reason})


def restore(*, ledger: Ledger, entries: Collection[int], by: User | None, at: datetime, ip: str = "") -> int:
    """Take a dismissal back. Where either person is away, the entry is over until it is found again."""
    with locked(ledger) as held:
        chosen = _found(held, entries, [State.DISMISSED])
        away = chosen.filter(first_key="")
        over = {**_state(State.GONE, by, at), "reason": Reason.NONE, "closed_revision": held.revision}
        again = {**_state(State.OPEN, by, at), "reason": Reason.NONE}
        both = [(away, over), (chosen.exclude(first_key=""), again)]
        return sum(
            _change(held, some, changes, action="duplicate.restore", by=by, at=at, ip=ip) for some, changes in both
        )


def announce(
    *,
    ledger: Ledger,
    entries: Collection[int],
    fix: int = 1,
    by: User | None,
    at: datetime,
    ip: str = "",
) -> int:
    """Say that the fix of open entries was made or is about to be: they wait for the sync or import that proves it.

    ``fix`` counts from 1, in the order in which the fixes stand.

    :raises NoSuchFix: none of the entries has it
    """
    with locked(ledger) as held:
        chosen = list(_found(held, entries, [State.OPEN]).order_by("pk"))
        able = [suspect for suspect in chosen if 0 < fix <= len(suspect.fixes)]
        if chosen and not able:
            raise NoSuchFix
        for suspect in able:
            suspect.state, suspect.state_at, suspect.state_by = State.WAITING, at, by
            suspect.awaited, suspect.returned_revision = suspect.fixes[fix - 1], None
        Suspect.objects.bulk_update(able, ["state", "state_at", "state_by", "awaited", "returned_revision"])
        _audit(held, [one.pk for one in able], action="duplicate.wait", by=by, at=at, ip=ip)
        return len(able)


def withdraw(*, ledger: Ledger, entries: Collection[int], by: User | None, at: datetime, ip: str = "") -> int:
    """Wait no longer: the fix was not made after all."""
    with locked(ledger) as held:
        chosen = _found(held, entries, [State.WAITING])
        changes = {**_state(State.OPEN, by, at), "awaited": None}
        return _change(held, chosen, changes, action="duplicate.reopen", by=by, at=at, ip=ip)


def _found(ledger: Ledger, entries: Collection[int], states: Collection[str]) -> QuerySet[Suspect]:
    return Suspect.objects.filter(ledger=ledger, pk__in=list(entries)[:MOST_AT_ONCE], state__in=states)


def _state(state: State, by: User | None, at: datetime) -> dict[str, Any]:
    return {"state": state, "state_at": at, "state_by": by}


def _change(
    ledger: Ledger,
    chosen: QuerySet[Suspect],
    changes: dict[str, Any],
    *,
    action: str,
    by: User | None,
    at: datetime,
    ip: str,
    after: dict[str, Any] | None = None,
) -> int:
    changed = list(chosen.order_by("pk").values_list("pk", flat=True))
    Suspect.objects.filter(pk__in=changed).update(**changes)
    _audit(ledger, changed, action=action, by=by, at=at, ip=ip, after=after)
    return len(changed)


def _audit(
    ledger: Ledger,
    changed: list[int],
    *,
    action: str,
    by: User | None,
    at: datetime,
    ip: str,
    after: dict[str, Any] | None = None,
) -> None:
    """One event for all that were changed together, by their numbers; nobody is named who is found."""
    if changed:
        said = {"entries": changed, **(after or {})}
        record(enterprise=ledger.enterprise, action=action, by=by, at=at, ip=ip, after=said)
