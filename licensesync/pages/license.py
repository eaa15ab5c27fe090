"""What the License page shows beside the sync: seats used, in total and available, and the license itself."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connect.models import Server
from licensesync.licenses import LicenseUse, license_use
from licensesync.models import SeatSource


@dataclass(frozen=True)
class LicensePage:
    """The License page of one server."""

    server: Server
    use: LicenseUse
    today: date

    @property
    def slug(self) -> str:
        """The enterprise's address."""
        return self.server.enterprise.slug

    @property
    def source(self) -> SeatSource | None:
        """Where the seats came from."""
        return self.use.source

    @property
    def is_unlimited(self) -> bool:
        """Whether a license is known and has no limit."""
        return self.use.license is not None and self.use.total is None

    @property
    def total_text(self) -> str:
        """The words in place of a total."""
        if self.use.license is None:
            return _("unknown")
        return _("unlimited") if self.is_unlimited else ""

    @property
    def available_tone(self) -> str:
        """A color where more seats are used than were bought: shown, never a lock-out."""
        return "danger" if self.use.is_over else ""

    @property
    def available_help(self) -> str:
        """By how many the license is exceeded."""
        if not self.use.is_over or self.use.total is None:
            return ""
        over = self.use.used - self.use.total
        text = ngettext("%(over)s more used than bought", "%(over)s more used than bought", over)
        return text % {"over": formats.number_format(over, force_grouping=True)}

    @property
    def license_rows(self) -> list[dict[str, Any]]:
        """The license as facts."""
        held = self.use.license
        unknown = _("not entered yet")
        expires = held.expires_on if held else None
        return [
            {"label": _("Customer"), "value": held.customer if held else unknown},
            {"label": _("Kind"), "value": held.kind if held else unknown},
            {
                "label": _("Expires"),
                "value": formats.date_format(expires, "DATE_FORMAT") if expires else _("no date known"),
                "help": self._days_left(expires),
            },
        ]

    def _days_left(self, expires: date | None) -> str | Promise:
        if expires is None:
            return ""
        days = (expires - self.today).days
        if days < 0:
            return ngettext("expired %(days)s day ago", "expired %(days)s days ago", -days) % {"days": -days}
        return ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days}


def license_page(server: Server, at: datetime) -> LicensePage:
    """The page as of a moment; days are those of the reader's zone."""
    return LicensePage(server=server, use=license_use(server), today=timezone.localdate(at))
