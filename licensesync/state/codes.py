"""The states of a connection, and what is always said of each: label, color, next step and where it is taken."""

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise


class StateCode(enum.StrEnum):
    """The states of a connection, from the reader's point of view."""

    NOT_CONNECTED = "not_connected"
    PENDING = "pending"
    SYNC_OFF = "sync_off"
    FIRST_SYNC_PENDING = "first_sync_pending"
    SYNCING = "syncing"
    SYNCED = "synced"
    SYNCED_OLD_SEATS = "synced_old_seats"
    STALE = "stale"
    FAILED = "failed"
    LICENSE_EXPIRED = "license_expired"
    NEEDS_DECISION = "needs_decision"
    DISCONNECTED = "disconnected"
    FILE_EXPORTED = "file_exported"
    FILE_ACCEPTED = "file_accepted"
    FILE_STALE = "file_stale"


@dataclass(frozen=True)
class Words:
    """What is always said of a state; ``place`` names the page under ``licensesync:`` of its next step."""

    label: "Text"
    tone: str
    next_step: "Text" = ""
    place: str = "license"


WORDS: Final[dict[StateCode, Words]] = {
    StateCode.NOT_CONNECTED: Words(_("Not connected"), "neutral", _("Enable GitHub Connect."), "connection"),
    StateCode.PENDING: Words(
        _("Setup not completed"), "attention", _("Complete your GitHub Connect setup."), "connection"
    ),
    StateCode.SYNC_OFF: Words(
        _("Connected, but license sync is off"), "attention", _("Set license sync to Enabled."), "connection"
    ),
    StateCode.FIRST_SYNC_PENDING: Words(_("First sync pending"), "accent"),
    StateCode.SYNCING: Words(_("Syncing"), "accent"),
    StateCode.SYNCED: Words(_("Synced"), "success"),
    StateCode.SYNCED_OLD_SEATS: Words(
        _("Synced, with old seats"), "attention", _("Bring in newer seats, then press Sync now."), "seats"
    ),
    StateCode.STALE: Words(_("Stale"), "attention", _("Press Sync now.")),
    StateCode.FAILED: Words(_("Sync failed"), "danger"),
    StateCode.LICENSE_EXPIRED: Words(_("License expired"), "danger", _("Update the license."), "license_edit"),
    StateCode.NEEDS_DECISION: Words(_("Waits for your decision"), "danger"),
    StateCode.DISCONNECTED: Words(_("Disconnected"), "neutral", _("Enable GitHub Connect again."), "connection"),
    StateCode.FILE_EXPORTED: Words(
        _("Usage file exported, its receipt has not come"),
        "accent",
        _("Hand the file to the cloud, and import its receipt."),
        "usage_file",
    ),
    StateCode.FILE_ACCEPTED: Words(_("Accepted as a usage file"), "success", "", "usage_file"),
    StateCode.FILE_STALE: Words(
        _("No usage file accepted for more than 8 days"),
        "attention",
        _("Export license usage anew, and hand the file to the cloud."),
        "usage_file",
    ),
}
BY_FILE: Final = frozenset({StateCode.FILE_EXPORTED, StateCode.FILE_ACCEPTED, StateCode.FILE_STALE})
"""Where no line leads to the cloud, and files are carried there."""
WORKING: Final = {
    StateCode.FIRST_SYNC_PENDING,
    StateCode.SYNCING,
    StateCode.SYNCED,
    StateCode.SYNCED_OLD_SEATS,
    StateCode.STALE,
    StateCode.LICENSE_EXPIRED,
}
"""Where somebody has to be there who does what is due."""
