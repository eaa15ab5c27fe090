"""One uploaded usage file: how far it is, what it would change or has changed, and what is left to decide."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from cloud.guards import is_alarming_shrink
from cloud.instances import STALE_AFTER
from cloud.models import Intake, Revision, ServerAccount
from cloud.pages.usage import UploadRow, upload_row
from cloud.usage_files import UploadState, receipt_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from django.utils.functional import Promise

    from cloud.models import Ledger
    from cloud.people import Viewer
    from cloud.usage_files import UploadRefused
    from wire.messages import AccountSample, Difference

_CHANGES: Final = ("added", "removed", "matched", "unmatched")
_TONES: Final = {"added": "attention", "removed": "danger", "matched": "success", "unmatched": "neutral"}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One account behind a number, and where its person is listed if it is held."""

    name: str
    address: str
    rule: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The people to whom the same happens, and some of the accounts behind them."""

    label: str
    sentence: str
    tone: str
    count: int
    samples: tuple[Sample, ...]

    @property
    def more(self) -> int:
        """How many people are not among the samples."""
        return max(self.count - len(self.samples), 0)


@dataclass(frozen=True, kw_only=True)
class UploadPage:
    """What the page shows; ``refused`` is why it was not applied a moment ago."""

    ledger: Ledger
    row: UploadRow
    now: datetime
    viewer: Viewer
    refused: UploadRefused | None = None

    @property
    def intake(self) -> Intake:
        """The upload."""
        return self.row.intake

    @property
    def url(self) -> str:
        """The address of this page."""
        return self.row.url

    @property
    def state(self) -> UploadState:
        """Where it stands."""
        return self.row.status.state

    @property
    def is_active(self) -> bool:
        """Whether it goes on by itself."""
        return self.row.status.is_active

    @property
    def is_ready(self) -> bool:
        """Whether somebody decides now."""
        return self.state is UploadState.READY

    @property
    def is_over(self) -> bool:
        """Whether the file is refused, discarded or has expired, and another one is needed."""
        return self.state in {UploadState.FAILURE, UploadState.DISCARDED}

    @property
    def is_applied(self) -> bool:
        """Whether its people count."""
        return self.state is UploadState.SUCCESS

    @property
    def percent(self) -> int:
        """How far it is."""
        return int(self.row.status.progress * 100)

    @property
    def sentence(self) -> str | Promise:
        """Where it stands, for people and screen readers."""
        stages = {
            "reading": _("The file is being read."),
            "computing": _("It is read. What it would change is being counted."),
            "applying": _("It is being applied."),
        }
        return stages.get(self.row.status.stage, self.row.sentence)

    @property
    def fingerprint(self) -> str:
        """What is shown; the same again is not drawn again."""
        parts = [self.state, self.row.status.stage, str(self.intake.accounts_read), self.intake.kind]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]

    @property
    def difference(self) -> Difference | None:
        """What it changed, or would change; nothing while it is read anew or after it was thrown away."""
        return self.row.status.difference if self.is_ready or self.is_applied else None

    @property
    def held(self) -> int:
        """How many accounts of the server were held before."""
        found = self.difference
        return found.accounts - found.added + found.removed if found else 0

    @property
    def needs_shrink(self) -> bool:
        """Whether so many go that somebody has to say that it is meant."""
        found = self.difference
        return self.is_ready and found is not None and is_alarming_shrink(removed=found.removed, held=self.held)

    @property
    def is_renamed(self) -> bool:
        """Whether the file comes from a server of another name."""
        return self.is_ready and self.intake.installation.hostname != self.row.status.header.host_name

    @property
    def is_outdated(self) -> bool:
        """Whether other usage of this server has arrived since the preview."""
        return self.is_ready and self.intake.installation.revision != self.intake.opened_at_revision

    @property
    def has_moved(self) -> bool:
        """Whether something else changed the number of licenses since the preview."""
        found = self.difference
        return self.is_ready and found is not None and found.licenses_before != self.ledger.consumed

    @property
    def is_old(self) -> bool:
        """Whether the list in the file is older than a weekly report would be."""
        return self.is_ready and self.now - self.row.status.taken_at > STALE_AFTER

    @cached_property
    def change_url(self) -> str:
        """Where the books say what it changed."""
        revisions = self.ledger.revisions.filter(cause=Revision.Cause.SYNC, snapshot_id=self.intake.snapshot_id)
        number = revisions.values_list("number", flat=True).first() if self.is_applied else None
        return reverse("cloud:change", args=[self.ledger.enterprise.slug, number]) if number is not None else ""

    @cached_property
    def receipt_fingerprint(self) -> str:
        """The fingerprint of the key that signed the receipt, to compare on the server."""
        return receipt_fingerprint(self.intake)

    @cached_property
    def kinds(self) -> list[Kind]:
        """What happens to people: who comes, who goes, who was there already, and who stays all the same."""
        found = self.difference
        if found is None:
            return []
        addresses = self._addresses(sample.user_id for sample in found.samples)
        kinds = []
        for change in _CHANGES:
            label, sentence = _labels(is_preview=self.is_ready)[change]
            kinds.append(
                Kind(
                    label=label,
                    sentence=sentence,
                    tone=_TONES[change],
                    count=getattr(found, f"people_{change}") or 0,
                    samples=tuple(self._samples(found.samples, change, addresses)),
                )
            )
        return kinds

    @property
    def is_quiet(self) -> bool:
        """Whether nobody comes, goes or is matched otherwise."""
        return not any(kind.count for kind in self.kinds)

    def _addresses(self, user_ids: Iterable[int]) -> dict[int, str]:
        """Primary addresses of accounts that are held: whoever sees the report sees them. Others only owners see."""
        held = ServerAccount.objects.filter(installation=self.intake.installation_id, user_id__in=list(user_ids))
        return dict(held.values_list("user_id", "primary_address"))

    def _samples(self, samples: Iterable[AccountSample], change: str, addresses: dict[int, str]) -> Iterator[Sample]:
        people = reverse("cloud:people", args=[self.ledger.enterprise.slug])
        for one in samples:
            if one.change != change:
                continue
            name = f"{self.intake.installation.hostname}:{one.user_id}"
            shows_rule = change in {"matched", "unmatched"} and one.match in ServerAccount.Rule.values
            yield Sample(
                name=name,
                address=addresses.get(one.user_id, one.primary if self.viewer.shows_unbooked else ""),
                rule=str(ServerAccount.Rule(one.match).label) if shows_rule else "",
                url=f"{people}?{urlencode({'q': name})}" if one.user_id in addresses else "",
            )


def upload_page(
    ledger: Ledger, intake: Intake, now: datetime, *, viewer: Viewer, refused: UploadRefused | None = None
) -> UploadPage:
    """Put together what the page of an upload shows."""
    row = upload_row(ledger.enterprise.slug, intake, now)
    return UploadPage(ledger=ledger, row=row, now=now, viewer=viewer, refused=refused)


def _labels(*, is_preview: bool) -> dict[str, tuple[str, str]]:
    added = _("People whom nobody knew here: each takes a license.")
    removed = _("People without any account here afterwards: each gives a license back.")
    if is_preview:
        return {
            "added": (_("Would come"), added),
            "removed": (_("Would go"), removed),
            "matched": (
                _("Would be matched"),
                _("People who are here already: their accounts on this server cost nothing."),
            ),
            "unmatched": (_("Would stay"), _("They lose an account of this server, and keep their license.")),
        }
    return {
        "added": (_("Came"), added),
        "removed": (_("Went"), removed),
        "matched": (
            _("Were matched"),
            _("People who were here already: their accounts on this server cost nothing."),
        ),
        "unmatched": (_("Stayed"), _("They lost an account of this server, and kept their license.")),
    }
