"""The entries of the worklist that a person is in, as their page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from cloud.models import Suspect
from cloud.people.visible import sight
from cloud.worklist.entries import Entry, in_words

if TYPE_CHECKING:
    from cloud.models import ConsumedLicense
    from cloud.people import Person
    from cloud.people.visible import Viewer

MAX_PAIRS: Final = 10
_SHOWN: Final = (*Suspect.LISTED, Suspect.State.DISMISSED)


@dataclass(frozen=True)
class Pair:
    """An entry, and the other one of the two."""

    entry: Entry
    other: Person | None


def said_by(pairs: list[Pair]) -> set[int]:
    """The licenses of those about whom an entry says already what would make the two one."""
    open_ = [pair for pair in pairs if pair.entry.can_be_decided and pair.entry.ways]
    return {pair.other.license.pk for pair in open_ if pair.other}


def pairs_of(license_: ConsumedLicense, viewer: Viewer) -> list[Pair]:
    """What is open, waits for a sync or was dismissed, the best first, in a fixed number of queries."""
    is_in = Q(first_license=license_) | Q(second_license=license_)
    found = Suspect.objects.filter(is_in, ledger=license_.ledger_id, state__in=_SHOWN)
    people = ("first_license__member", "second_license__member")
    listed = list(found.select_related(*people).order_by("-licenses_at_stake", "-score", "pk")[:MAX_PAIRS])
    if not listed:
        return []
    entries = in_words(license_.ledger, listed, sight(license_.ledger, viewer))
    return [
        Pair(entry, entry.second if entry.suspect.first_license_id == license_.pk else entry.first) for entry in entries
    ]
