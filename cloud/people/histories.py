"""Say since when a person is listed, and what changed for them since: by which sync, import or removal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import Q

from cloud.models import PersonChange, Revision

if TYPE_CHECKING:
    from cloud.models import ConsumedLicense

MAX_CHANGES: Final = 50


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a revision did to a person who stayed: ``accounts`` gained (> 0) or lost (< 0)."""

    revision: Revision
    accounts: int

    @property
    def accounts_lost(self) -> int:
        """How many fewer."""
        return max(-self.accounts, 0)


@dataclass(frozen=True, kw_only=True)
class History:
    """``since`` is None where nobody noted it then, or the note was older than five years; the newest change first."""

    since: Revision | None
    came_by_move: bool
    changes: tuple[Change, ...]
    has_more: bool


def history_of(license_: ConsumedLicense) -> History:
    """The revisions that concerned a person who is listed, in two queries."""
    kept = PersonChange.objects.filter(license=license_).order_by("-revision")[: MAX_CHANGES + 1]
    changes = list(kept)
    numbers = {change.revision for change in changes}
    wanted = Q(number__in=numbers | ({license_.since_revision} - {None}))
    revisions = {revision.number: revision for revision in Revision.objects.filter(wanted, ledger=license_.ledger_id)}
    return History(
        since=revisions.get(license_.since_revision or 0),
        came_by_move=license_.came_by_move,
        changes=tuple(
            Change(revision=revisions[change.revision], accounts=change.accounts)
            for change in changes[:MAX_CHANGES]
            if change.revision in revisions
        ),
        has_more=len(changes) > MAX_CHANGES,
    )
