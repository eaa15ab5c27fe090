"""The row of a search: asked for, claimed by one worker, renewed while it lasts, over.

A worker takes it by a conditional UPDATE that raises ``claim`` and holds it by a lease; each later write carries the
claim, so that a worker that lost it stops at once and changes nothing. So it is with snapshots (``cloud.applying``).
"""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from cloud.models import Ledger, SuspectRun
from cloud.suspects.comparing import domains_of
from enterprises.models import User

LEASE: Final = timedelta(minutes=5)
MAX_CLAIMS: Final = 5
RULES: Final = 3
"""Raised with every change of what is found, so that all accounts are searched again."""
REST: Final = 10
"""After a search nobody asked for, ten times as long as it took passes before the next one."""

State = SuspectRun.State


class ClaimLost(Exception):
    """Another worker took the search over, or it ended."""


def request(ledger: Ledger, at: datetime, *, by: User | None = None) -> tuple[SuspectRun, bool]:
    """Return the search that is under way, or a new one that waits for a worker; and whether it is new."""
    try:
        with transaction.atomic():
            return SuspectRun.objects.create(ledger=ledger, requested_at=at, requested_by=by), True
    except IntegrityError:
        under_way = SuspectRun.objects.filter(ledger=ledger, state__in=SuspectRun.OPEN).first()
        # Where it ended at this very moment, it is the last one, and saw the books as they are.
        return under_way or SuspectRun.objects.filter(ledger=ledger).latest("pk"), False


def last_run(ledger: Ledger) -> SuspectRun | None:
    """The newest search of an account, under way or over."""
    return SuspectRun.objects.filter(ledger=ledger).order_by("-pk").first()


def basis_of(ledger: Ledger) -> str:
    """What a search goes by besides the books: the rules of this version, and a digest of the account's domains."""
    return _basis(domains_of([ledger])[ledger.pk])


def _basis(domains: list[str]) -> str:
    return f"{RULES}:{hashlib.sha256(chr(10).join(domains).encode()).hexdigest()}"


def state_of(run_id: int) -> str:
    """Return where a search stands; empty where it is gone."""
    return SuspectRun.objects.filter(pk=run_id).values_list("state", flat=True).first() or ""


def start_due(at: datetime) -> None:
    """Ask for a search of every account whose books, or domains, are newer than its last one.

    However many changes came since then, it is one search. One that failed waits for the next change.
    """
    newest = SuspectRun.objects.filter(ledger=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    ledgers = Ledger.objects.filter(revision__gt=0).annotate(newest_run=Subquery(newest))
    runs = SuspectRun.objects.in_bulk([ledger.newest_run for ledger in ledgers])
    domains = domains_of(ledgers)
    for ledger in ledgers:
        if _is_due(ledger, runs.get(ledger.newest_run), _basis(domains[ledger.pk]), at):
            request(ledger, at)


def _is_due(ledger: Ledger, last: SuspectRun | None, basis: str, at: datetime) -> bool:
    if last is None:
        return True
    if last.finished_at is None:
        return False
    took = last.finished_at - (last.started_at or last.finished_at)
    if at < last.finished_at + REST * took:
        return False
    return last.revision < ledger.revision or last.basis != basis


def waiting(at: datetime) -> QuerySet[SuspectRun]:
    """Return what waits for a worker: never taken, given back, or held by one that went silent."""
    is_free = Q(lease_until=None) | Q(lease_until__lt=at)
    return SuspectRun.objects.filter(is_free, state__in=SuspectRun.OPEN)


def claim(run_id: int, at: datetime) -> SuspectRun | None:
    """Take a search, unless somebody else is at it."""
    # In one transaction, so that nobody who comes after the lease is read here as the one who claimed.
    with transaction.atomic():
        taken = waiting(at).filter(pk=run_id)
        if not taken.update(claim=F("claim") + 1, lease_until=at + LEASE, state=State.RUNNING, started_at=at):
            return None
        return SuspectRun.objects.select_related("ledger").get(pk=run_id)


def mine(run: SuspectRun) -> QuerySet[SuspectRun]:
    """The row as long as it is this worker's."""
    return SuspectRun.objects.filter(pk=run.pk, claim=run.claim, state=State.RUNNING)


def advance(run: SuspectRun, at: datetime, *, step: str, done: int, total: int) -> None:
    """Say how far it is, and keep it for another while.

    :raises ClaimLost: it is somebody else's now.
    """
    if not mine(run).update(step=step, done=done, total=total, lease_until=at + LEASE):
        raise ClaimLost


def give_back(run: SuspectRun) -> None:
    """Let the next tick try again, without waiting for the lease to end."""
    mine(run).update(lease_until=None)


def end(run: SuspectRun, at: datetime, **fields: object) -> None:
    """End it.

    :raises ClaimLost: it is somebody else's now.
    """
    if not mine(run).update(**fields, finished_at=at, lease_until=None):
        raise ClaimLost
