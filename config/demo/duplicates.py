"""What the demo's owner did about people who are counted twice: so that her worklist has entries of every state."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from cloud.models import Installation, Ledger, Suspect
from cloud.suspects import runs
from cloud.suspects.searching import search
from cloud.worklist import acting
from enterprises.models import User

FOUND_WEEK: Final = 7
ANNOUNCED_TWICE: Final = 2


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """The worklist of one account. ``corrected`` are the ids of accounts whose addresses the first server corrects."""

    ledger: Ledger
    by: User
    colleague: User
    corrected: frozenset[int]

    def look(self, at: datetime) -> None:
        """Search the books."""
        run, _is_new = runs.request(self.ledger, at=at, by=self.by)
        search(run.pk, lambda: at)

    def decide(self, at: datetime) -> None:
        """After the syncs of a week: announce what is corrected before the next one, and two that are not."""
        self.look(at + timedelta(hours=1))
        fixes = self._fixes_on(self.ledger.installations.order_by("pk").first())
        mine = [pk for pk, (user_id, _number) in fixes.items() if user_id in self.corrected]
        others = [pk for pk in fixes if pk not in mine][:ANNOUNCED_TWICE]
        for pk in [*mine, *others]:
            acting.announce(ledger=self.ledger, entries=[pk], fix=fixes[pk][1], by=self.by, at=at + timedelta(days=1))

    def finish(self, at: datetime) -> None:
        """What is decided today: one waits again, one is dismissed, some are a colleague's."""
        came_back = Suspect.objects.filter(ledger=self.ledger, state="open", returned_revision__isnull=False)
        acting.announce(ledger=self.ledger, entries=self._first(came_back.order_by("pk"), 1), by=self.by, at=at)
        opened = Suspect.objects.filter(ledger=self.ledger, state="open", returned_revision=None)
        least = self._first(opened.order_by("score", "pk"), 1)
        acting.dismiss(ledger=self.ledger, entries=least, reason=Suspect.Reason.DIFFERENT, by=self.by, at=at)
        best = self._first(opened.order_by("-score", "pk"), 3)
        acting.assign(ledger=self.ledger, entries=best, to=self.colleague, by=self.by, at=at)

    def _fixes_on(self, server: Installation | None) -> dict[int, tuple[int, int]]:
        """By entry: the account of the server whose primary address is to change, and the number of that fix."""
        return {
            suspect.pk: (fix["user_id"], number)
            for suspect in Suspect.objects.filter(ledger=self.ledger, state="open").order_by("pk")
            for number, fix in enumerate(suspect.fixes, start=1)
            if server and fix["action"] == "primary" and fix["installation"] == server.pk
        }

    def _first(self, suspects: QuerySet[Suspect], count: int) -> list[int]:
        return list(suspects.values_list("pk", flat=True)[:count])
