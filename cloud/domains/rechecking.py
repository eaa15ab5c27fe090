"""Look every day whether the records of verified domains are still there."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from cloud.domains import proving, resolving
from cloud.models import DomainChallenge

LEASE: Final = timedelta(minutes=30)
"""What a worker that died was looking up is looked up again after this."""
MAX_AT_ONCE: Final = 50
BUDGET_SECONDS: Final = 30.0
"""After this no other domain is begun; what is left is due in the next minute as well."""


def due(at: datetime) -> QuerySet[DomainChallenge]:
    """The verified domains whose records are to be looked up, those first that wait longest."""
    return DomainChallenge.objects.filter(check_at__lte=at).order_by("check_at", "pk")


def claim(challenge: DomainChallenge, at: datetime) -> bool:
    """Whether this worker is the one that looks it up; of many at once one is."""
    held = DomainChallenge.objects.filter(pk=challenge.pk, check_at=challenge.check_at, check_at__lte=at)
    return held.update(check_at=at + LEASE) == 1


def recheck(clock: Callable[[], datetime], ask: proving.Ask = resolving.ask) -> int:
    """Look up what is due, for half a minute at most; how many domains that were."""
    began, looked = time.monotonic(), 0
    for challenge in due(clock()).select_related("ledger__enterprise")[:MAX_AT_ONCE]:
        if time.monotonic() - began > BUDGET_SECONDS:
            break
        if not claim(challenge, clock()):
            continue
        looked += 1
        try:
            proving.verify(challenge, by=None, at=clock(), ask=ask)
        except proving.DomainGone:
            continue
    return looked
