"""The books of proved savings: what each sync and import freed of what the worklist had found, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from cloud.models import Ledger, Saving


@dataclass(frozen=True, kw_only=True)
class Proved:
    """All savings of an account together; ``licenses`` is what is left of what was freed."""

    freed: int
    taken_back: int
    entries: int

    @property
    def licenses(self) -> int:
        """Licenses that are saved still."""
        return self.freed - self.taken_back


def proved(ledger: Ledger) -> Proved:
    """What was proved so far, of the last five years."""
    sums = Saving.objects.filter(ledger=ledger).aggregate(
        freed=Sum("licenses", default=0), taken_back=Sum("licenses_back", default=0), entries=Sum("entries", default=0)
    )
    return Proved(**sums)


def savings(ledger: Ledger) -> QuerySet[Saving]:
    """What each revision proved, the newest first."""
    return Saving.objects.filter(ledger=ledger).order_by("-revision")
