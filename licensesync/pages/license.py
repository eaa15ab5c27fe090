"""What the License page shows beside the sync: seats used, in total and available, and the license itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connect.models import Server
from enterprises import moments
from licensesync.licenses import Expiry, ExpiryLevel, LicenseUse, expiry_of, use_of
from licensesync.models import SeatSource
from licensesync.pages.server import AboutServer, license_of, source_of


@dataclass(frozen=True)
class LicensePage(AboutServer):
    """The License page of one server."""

    server: Server
    at: datetime

    @cached_property
    def use(self) -> LicenseUse:
        """The license and how much of it is used."""
        return use_of(license_of(self.server), source_of(self.server))

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
    def dormant_url(self) -> str:
        """The list of those who hold a license and do not use it."""
        return f"{reverse('licensesync:users', args=[self.slug])}?state=dormant"

    @property
    def suspended_url(self) -> str:
        """The list of those who hold none."""
        return f"{reverse('licensesync:users', args=[self.slug])}?state=suspended"

    @cached_property
    def expiry(self) -> Expiry:
        """When the license ends."""
        return expiry_of(self.use.license, self.at)

    @property
    def expiry_tone(self) -> str:
        """The color of the warning; empty where the end is far."""
        match self.expiry.level:
            case ExpiryLevel.NONE:
                return ""
            case ExpiryLevel.EXPIRED | ExpiryLevel.WITHIN_7_DAYS:
                return "danger"
        return "warning"

    @property
    def expiry_warning(self) -> str:
        """That the license ends soon or has ended, and what to do."""
        return f"{self.expiry_sentence} {self._renewal}"

    @property
    def expiry_sentence(self) -> str:
        """That the license ends soon or has ended."""
        if self.expiry.is_expired:
            text = _("The license has expired on %(date)s. Nobody is locked out, and syncs go on.")
        else:
            text = _("The license expires on %(date)s.")
        return text % {"date": self._expires}

    @property
    def _renewal(self) -> str:
        held = self.use.license
        if held is not None and held.is_read_from_ghes:
            return _("Renew it and upload the new license file to the server: it is read from there.")
        return _("Renew it, then enter the new date here.")

    @property
    def _expires(self) -> str:
        return formats.date_format(self.expiry.expires_on, "DATE_FORMAT") if self.expiry.expires_on else ""

    @property
    def license_rows(self) -> list[dict[str, Any]]:
        """The license as facts."""
        held = self.use.license
        unknown = _("not entered yet")
        rows = [
            {"label": _("Customer"), "value": (held.customer if held else "") or unknown},
            {"label": _("Kind"), "value": held.kind if held else unknown},
            {
                "label": _("Expires"),
                "value": self._expires or (_("never") if held else _("no date known")),
                "help": self._days_left(),
            },
        ]
        if held:
            rows.append(
                {
                    "label": _("Source"),
                    "value": held.get_source_display(),
                    "help": moments.in_words(held.read_at) if held.read_at else "",
                }
            )
        return rows

    def _days_left(self) -> str:
        days = self.expiry.days_left
        if days is None:
            return ""
        if days < 0:
            return ngettext("expired %(days)s day ago", "expired %(days)s days ago", -days) % {"days": -days}
        return ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days}


def license_page(server: Server, at: datetime) -> LicensePage:
    """The page as of a moment."""
    return LicensePage(server=server, at=at)
