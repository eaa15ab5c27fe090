"""Whose snapshot it is to apply: a worker claims it by a conditional UPDATE and holds it by a lease.

Each later write carries the claim, so that a worker that lost it stops at once and changes nothing.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from cloud.models import Intake, IntakePart

LEASE: Final = timedelta(minutes=5)
MAX_CLAIMS: Final = 5
APPLIED_FROM: Final = 1_000
"""Claims of a usage file that is applied count from here on: none is one of its preview's, however late that wakes."""


class ClaimLost(Exception):
    """Another worker took the intake over, or it ended."""


def waiting(at: datetime) -> QuerySet[Intake]:
    """Return what waits for a worker: never taken, given back, or held by one that went silent."""
    is_free = Q(lease_until=None) | Q(lease_until__lt=at)
    return Intake.objects.filter(is_free, state=Intake.State.APPLYING)


def claim(intake_id: int, at: datetime) -> Intake | None:
    """Take an intake; None where somebody else is at it, or it is over."""
    # In one transaction, so that nobody who comes after the lease is read here as the one who claimed.
    with transaction.atomic():
        if not waiting(at).filter(pk=intake_id).update(claim=F("claim") + 1, lease_until=at + LEASE):
            return None
        return Intake.objects.select_related("installation").get(pk=intake_id)


def was_claimed_too_often(intake: Intake) -> bool:
    """Whether it brought every worker down that took it."""
    return intake.claim % APPLIED_FROM > MAX_CLAIMS


def mine(intake: Intake) -> QuerySet[Intake]:
    """Return the intake for as long as it is this worker's."""
    return Intake.objects.filter(pk=intake.pk, claim=intake.claim, state=Intake.State.APPLYING)


def renew(intake: Intake, at: datetime) -> None:
    """Hold it for another while.

    :raises ClaimLost: it is another's
    """
    if not mine(intake).update(lease_until=at + LEASE):
        raise ClaimLost


def end_mine(intake: Intake, at: datetime, *, keeps_parts: bool = False, **fields: object) -> bool:
    """End an intake outside of the ledger's lock, if it is still this worker's; say whether it was."""
    ended = mine(intake).update(**fields, finished_at=at, lease_until=None)
    if ended and not keeps_parts:
        IntakePart.objects.filter(intake=intake).delete()
    return bool(ended)
