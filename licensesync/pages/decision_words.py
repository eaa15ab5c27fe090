"""What is asked of an owner for each reason, and how it came to that."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from licensesync.deciding import CUT_OFF
from wire.messages import ErrorCode

TITLES: Final[dict[str, Promise]] = {
    ErrorCode.REVISION_CONFLICT: _("Restored or copied?"),
    ErrorCode.HOSTNAME_CHANGED: _("Renamed or copied?"),
    ErrorCode.SHRINK_UNCONFIRMED: _("Are so many accounts meant to go?"),
    ErrorCode.CONNECTION_EXISTS: _("A connection for %(hostname)s already exists"),
    **dict.fromkeys(CUT_OFF, _("The cloud does not accept this server any more")),
}
NO_TITLE: Final = _("Nothing to decide")

REASONS: Final[dict[str, Promise]] = {
    ErrorCode.REVISION_CONFLICT: _(
        "The last sync was stopped before anything was changed: the cloud holds a state of this server that the server "
        "knows nothing of. Either this server was restored from a backup, or a copy of it runs elsewhere and synced."
    ),
    ErrorCode.HOSTNAME_CHANGED: _(
        "The last sync was stopped before anything was changed: the cloud knows this server under another host name. "
        "Either it was renamed, or this is a copy and the original still has the other name."
    ),
    ErrorCode.SHRINK_UNCONFIRMED: _(
        "The last sync was stopped before anything was changed: it lacks more than a fifth of the accounts that the "
        "cloud holds of this server. Half a list of seats looks the same as many people who left."
    ),
    ErrorCode.CONNECTION_EXISTS: _(
        "The cloud account holds a connection that this server knows nothing of. It has to be removed there first, or "
        "this server is a copy."
    ),
    **dict.fromkeys(
        CUT_OFF,
        _(
            "Its key opens nothing there. Either somebody called another copy of this server the original, or the key "
            "was lost."
        ),
    ),
}
NO_REASON: Final = _("The cloud refused nothing that waits for an owner, or it was decided already.")
