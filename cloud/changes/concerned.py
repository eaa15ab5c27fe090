"""What a revision of the books changed, and the people it concerned who are still there."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from cloud.models import ConsumedLicense, Revision

KINDS: Final = ("came", "matched", "unmatched")


@dataclass(frozen=True, kw_only=True)
class ChangeCounts:
    """How many people of each kind a revision concerned, and how many of them are listed still."""

    revision: Revision
    listed: dict[str, int]

    def said(self, kind: str) -> int:
        """How many there were when it happened."""
        numbers = {
            "came": self.revision.people_added,
            "matched": self.revision.people_matched,
            "unmatched": self.revision.people_unmatched,
        }
        return numbers[kind]

    def gone(self, kind: str) -> int:
        """How many of them have gone since; nothing is kept of them."""
        return max(self.said(kind) - self.listed[kind], 0)


def people_of_change(revision: Revision, kind: str) -> QuerySet[ConsumedLicense]:
    """Who came with a revision (``came``), gained accounts (``matched``) or lost some (``unmatched``), by label."""
    conditions = {
        "came": Q(since_revision=revision.number),
        "matched": Q(changes__revision=revision.number, changes__accounts__gt=0),
        "unmatched": Q(changes__revision=revision.number, changes__accounts__lt=0),
    }
    found = ConsumedLicense.objects.filter(conditions[kind], ledger=revision.ledger_id)
    return found.select_related("member").order_by("label", "person_key")


def change_counts(revision: Revision) -> ChangeCounts:
    """Count the people of a revision who are listed still."""
    return ChangeCounts(
        revision=revision, listed={kind: people_of_change(revision, kind).order_by().count() for kind in KINDS}
    )
