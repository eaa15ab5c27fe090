"""Since when a person is listed, and what changed of them since: by which sync or import, and why."""

from dataclasses import dataclass
from typing import Final

from cloud.changes.words import cause_words, reason_help, reason_words
from cloud.models import ConsumedLicense, Reason, Revision

LATEST: Final = 20
"""So many changes are read of a person; with the first there may be one more."""


@dataclass(frozen=True, kw_only=True)
class PersonEvent:
    """A change of the books that concerned a person.

    ``accounts`` is how many server accounts came (> 0) or went (< 0) where the person was there before, else 0.
    ``reason`` is None where the change is older than reasons.
    """

    revision: Revision
    is_arrival: bool
    accounts: int
    reason: Reason | None

    @property
    def accounts_lost(self) -> int:
        """How many accounts went."""
        return max(-self.accounts, 0)

    @property
    def cause(self) -> str:
        """What made the change, such as "Sync of ghes1.octo.example"."""
        return cause_words(self.revision.cause, self.revision.hostname)

    @property
    def why(self) -> str:
        """The reason in a few words; empty where none was recorded."""
        return reason_words(self.reason, self.revision.hostname) if self.reason else ""

    @property
    def help(self) -> str:
        """What the reason means, where the words do not say it; else empty."""
        return reason_help(self.reason) if self.reason else ""


def events_of(license_: ConsumedLicense) -> list[PersonEvent]:
    """What is known of a person, newest first: at most ``LATEST`` changes, and the one with which they came.

    Two queries. Revisions go after five years, and who was listed before revisions were kept has no arrival: what is
    missing was not recorded, or is not kept any more.
    """
    changed = list(license_.changes.order_by("-revision").values_list("revision", "accounts", "reason")[:LATEST])
    came = license_.since_revision
    numbers = [number for number, _accounts, _reason in changed] + ([] if came is None else [came])
    kept = Revision.objects.filter(ledger=license_.ledger_id, number__in=numbers)
    revisions = {revision.number: revision for revision in kept}
    found = [(number, accounts, reason, False) for number, accounts, reason in changed]
    if came is not None:
        found.append((came, 0, license_.since_reason, True))
    return [
        PersonEvent(
            revision=revisions[number],
            is_arrival=is_arrival,
            accounts=accounts,
            reason=Reason(reason) if reason else None,
        )
        for number, accounts, reason, is_arrival in found
        if number in revisions
    ]
