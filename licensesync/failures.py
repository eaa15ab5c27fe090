"""What became of a job, in words: a sentence and a next step for every code that a job can end with."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from connect import failures
from connect.failures import Explanation
from wire.messages import ErrorCode

_ENABLE: Final = _("Set license sync to Enabled again.")

EXPLANATIONS: Final[dict[str, Explanation]] = {
    "no_seats": Explanation(
        _("No seats have been imported yet, so there is nothing to sync."), _("Import the seats of this server.")
    ),
    "not_connected": Explanation(
        _("GitHub Connect was disabled before the sync was done."), _("Enable GitHub Connect.")
    ),
    "sync_disabled": Explanation(_("License sync was disabled before the sync was done."), _ENABLE),
    "cancelled_by_person": Explanation(_("Somebody cancelled this sync."), _("Press Sync now to sync again.")),
    "preview_overtaken": Explanation(
        _("A sync was asked for before the preview was done."), _("Ask for the preview again after the sync.")
    ),
    "base_changed": Explanation(
        _("The connection was made anew while the sync was under way."), _("It is tried again by itself.")
    ),
    "expired": Explanation(
        _("The cloud waited too long for the rest of this sync."), _("It is tried again by itself.")
    ),
    "unfinished": Explanation(_("The cloud did not come to an end."), _("It is tried again by itself.")),
    "internal_error": Explanation(
        _("Something went wrong on this server."),
        _("Look into the log of the worker at the time of the attempt; it is tried again by itself."),
    ),
}

_PLACES: Final[dict[str, str]] = {
    ErrorCode.SHRINK_UNCONFIRMED: "seats",
    "no_seats": "seats",
    ErrorCode.INSTALLATION_GONE: "connection",
    ErrorCode.BAD_CREDENTIALS: "connection",
    failures.NOT_AUTHORIZED: "connection",
    failures.NOT_CONNECTED: "connection",
    failures.RECEIPT_INVALID: "connection",
}

DECISIONS: Final = frozenset({ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED, ErrorCode.SHRINK_UNCONFIRMED})
"""What the cloud refused until an owner says what is meant."""


def place_of(code: str) -> str:
    """Return the page under ``licensesync:`` where the next step is taken; empty where that is the License page."""
    return _PLACES.get(code, "")


def explain(code: str) -> Explanation:
    """Return the sentence and the next step of a job's ``error_code``; an unknown one has them too."""
    return EXPLANATIONS.get(code) or failures.explain(code)
