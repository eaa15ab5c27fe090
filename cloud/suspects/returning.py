"""Entries that wait for a fix return when the sync or import has come that should have brought it, and did not."""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import QuerySet

from cloud.models import Installation, Ledger, Suspect

State = Suspect.State


def after_sync(ledger: Ledger, server: Installation, taken_at: datetime) -> None:
    """Let those return that waited for this server, if its list was taken after the fix was announced.

    Those that it closed wait no longer. Under the ledger's lock, after the count.
    """
    waiting = _waiting(ledger).filter(state_at__lte=taken_at)
    _return(ledger, (one for one in waiting if _place(one) == server.pk))


def after_import(ledger: Ledger, listed: Collection[int] | None = None) -> None:
    """Let those return that waited for the members. Under the ledger's lock, after the count.

    ``listed`` are the numbers of the members in a partial list, which says nothing of the others.
    """
    waiting = (one for one in _waiting(ledger) if _place(one) is None)
    _return(ledger, (one for one in waiting if listed is None or _number(one) in listed))


def after_removal(ledger: Ledger, removed: int) -> None:
    """Let those return that waited for the server ``removed``, which never comes again."""
    _return(ledger, (one for one in _waiting(ledger) if _place(one) == removed))


def _waiting(ledger: Ledger) -> QuerySet[Suspect]:
    return Suspect.objects.filter(ledger=ledger, state=State.WAITING).only("awaited")


def _place(suspect: Suspect) -> int | None:
    return suspect.awaited["installation"] if suspect.awaited else None


def _number(suspect: Suspect) -> int | None:
    return suspect.awaited["number"] if suspect.awaited else None


def _return(ledger: Ledger, suspects: Iterable[Suspect]) -> None:
    found = [suspect.pk for suspect in suspects]
    if found:
        Suspect.objects.filter(pk__in=found, state=State.WAITING).update(
            state=State.OPEN, returned_revision=ledger.revision
        )
