"""What becomes of a pair when one of the two is not there any more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from cloud.models import ConsumedLicense, Ledger, Suspect

FORGOTTEN: Final[dict[str, Any]] = {
    "first_key": "",
    "second_key": "",
    "first_license": None,
    "second_license": None,
    "evidence": [],
    "fixes": [],
    "awaited": None,
}
"""Keys and evidence hold addresses: they go with either person."""


_PIECE: Final = 1_000


def let_go(ledger: Ledger, at: datetime) -> None:
    """Forget the pairs of which somebody went with the ledger's revision; their entries are over. Under its lock."""
    end(ledger, list(_parted(ledger).values_list("pk", flat=True)), at)


def end(ledger: Ledger, entries: Sequence[int], at: datetime) -> None:
    """Forget pairs; their entries are over, and one that was dismissed stays so without its evidence."""
    for start in range(0, len(entries), _PIECE):
        some = Suspect.objects.filter(pk__in=entries[start : start + _PIECE])
        some.filter(state__in=Suspect.LISTED).update(
            state=Suspect.State.GONE, state_at=at, state_by=None, closed_revision=ledger.revision
        )
        some.update(**FORGOTTEN)


def _parted(ledger: Ledger) -> QuerySet[Suspect]:
    def gone(side: str) -> Q:
        there = ConsumedLicense.objects.filter(pk=OuterRef(side))
        return Q(~Exists(there), **{f"{side}__isnull": False})

    return Suspect.objects.filter(gone("first_license_id") | gone("second_license_id"), ledger=ledger)
