"""What the Seats page shows: the source with its counts, and what a waiting file would change."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connect.models import Server
from enterprises.models import StagedUpload
from licensesync.forms import RefreshSeatsForm
from licensesync.models import SeatSource
from licensesync.pages.seat_source import SourcePanel
from licensesync.pages.server import AboutServer, source_of
from licensesync.seats.changes import Sample, SeatChange


@dataclass(frozen=True)
class SeatsPage(AboutServer):
    """The Seats page of one server."""

    server: Server
    at: datetime

    @property
    def panel(self) -> SourcePanel:
        """Where the seats come from, and how the last refresh ended."""
        return SourcePanel(self.server, self.at)

    @property
    def refresh_form(self) -> RefreshSeatsForm:
        """The confirmation of a refresh that removes many."""
        return RefreshSeatsForm()

    @property
    def source(self) -> SeatSource | None:
        """Where the seats came from."""
        return source_of(self.server)

    @property
    def without_license(self) -> int:
        """Accounts that hold no license: suspended ones, bots and built-in accounts."""
        source = self.source
        return source.accounts - source.license_consuming if source else 0


@dataclass(frozen=True)
class Samples:
    """A few of the accounts that one kind of change concerns."""

    label: str | Promise
    tone: str
    count: int
    accounts: tuple[Sample, ...]

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.count - len(self.accounts)


@dataclass(frozen=True)
class ReviewPage(AboutServer):
    """What a waiting file would change."""

    server: Server
    upload: StagedUpload
    change: SeatChange

    @property
    def samples(self) -> list[Samples]:
        """The three kinds of change, with examples, leaving out those that do not happen."""
        change = self.change
        kinds = [
            Samples(_("Added"), "success", change.added, change.added_samples),
            Samples(_("Changed"), "attention", change.changed, change.changed_samples),
            Samples(_("Removed"), "danger", change.removed, change.removed_samples),
        ]
        return [kind for kind in kinds if kind.count]


def review_of(server: Server, change: SeatChange) -> dict[str, Any]:
    """What reading a file has shown, to keep with it: the review need not read the file again."""
    return {"held_since": _held_since(server), "change": asdict(change)}


def recalled_review(server: Server, upload: StagedUpload, *, is_partial: bool) -> SeatChange | None:
    """The change that was kept; None when there is none, or the seats have changed meanwhile."""
    kept = upload.review
    if kept is None or kept["held_since"] != _held_since(server):
        return None
    values = dict(kept["change"])
    if values["is_partial"] != is_partial:
        return None
    for name in ("added_samples", "changed_samples", "removed_samples"):
        values[name] = tuple(Sample(**sample) for sample in values[name])
    return SeatChange(**values)


def _held_since(server: Server) -> str:
    source = source_of(server)
    return source.imported_at.isoformat() if source else ""
