"""What the Seats page shows of a source: where seats come from, how old they are, and how the last refresh ended."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from connect.failures import Explanation
from connect.models import Server
from licensesync.failures import explain
from licensesync.models import SeatSource, SourceConfig
from licensesync.pages.server import source_of
from licensesync.sources.files import folder_of
from licensesync.sources.status import config_of

OLD_AFTER: Final = timedelta(days=8)
_NOBODY_AFTER: Final = timedelta(minutes=2)
_LINE: Final = re.compile(r"Line (\d+): (.+)", re.DOTALL)
_REMOVED: Final = re.compile(r"The (?:file|list) would remove (\d+) of (\d+) accounts; .*")


@dataclass(frozen=True)
class SourcePanel:
    """The source of one server, as of a moment."""

    server: Server
    at: datetime

    @cached_property
    def config(self) -> SourceConfig:
        """What was chosen; imports alone where nothing was."""
        return config_of(self.server) or SourceConfig(server=self.server)

    @property
    def seats(self) -> SeatSource | None:
        """Where the seats that are held came from."""
        return source_of(self.server)

    @property
    def is_automatic(self) -> bool:
        """Whether there is something to refresh from."""
        return self.config.is_automatic

    @property
    def is_refreshing(self) -> bool:
        """Whether a refresh is asked for or under way: then the panel looks again by itself."""
        lease = self.config.lease_until
        return self.config.requested_at is not None or (lease is not None and lease > self.at)

    @property
    def progress(self) -> str | Promise:
        """What is going on."""
        if self.config.lease_until is not None and self.config.lease_until > self.at:
            return _("Refreshing seats")
        asked = self.config.requested_at
        if asked is not None and self.at - asked > _NOBODY_AFTER:
            return _("No worker has begun the refresh yet. Check that the worker of this server is running.")
        return _("Waiting for a free worker")

    @property
    def place(self) -> str:
        """Where the seats come from, in words."""
        match self.config.kind:
            case SeatSource.Kind.GHES:
                user = self.config.user_name or _("the owner of a token")
                return _("GHES at %(address)s, as %(user)s") % {"address": self.config.base_url, "user": user}
            case SeatSource.Kind.FILE:
                return _("The watched file %(path)s") % {"path": self.config.path}
        return _("Imports by owners and by command")

    @property
    def place_help(self) -> str:
        """When it is read."""
        match self.config.kind:
            case SeatSource.Kind.GHES:
                return _("Read before each sync, together with the license.")
            case SeatSource.Kind.FILE:
                text = _("In the folder %(folder)s. Read when it changed, and before each sync.")
                return text % {"folder": self.folder}
        return _("Nobody refreshes the seats but whoever imports them.")

    @property
    def folder(self) -> str:
        """The folder that a watched file lies in."""
        return str(folder_of(self.server))

    @property
    def age(self) -> str:
        """How old the list is, where that is too old."""
        if self.seats is None or self.at - self.seats.taken_at <= OLD_AFTER:
            return ""
        days = (self.at - self.seats.taken_at).days
        return ngettext("This list is %(days)s day old.", "This list is %(days)s days old.", days) % {"days": days}

    @property
    def took(self) -> str:
        """How long the last attempt took."""
        if self.config.took_seconds is None:
            return ""
        seconds = formats.number_format(round(self.config.took_seconds, 1), use_l10n=True)
        return _("It took %(seconds)s s.") % {"seconds": seconds}

    @property
    def failure(self) -> Explanation | None:
        """Why the last refresh changed nothing."""
        return explain(self.config.error_code) if self.config.error_code else None

    @property
    def detail(self) -> str:
        """Which line is no good, or how many accounts would go, in the reader's language."""
        return _translated(self.config.error)

    @property
    def license_failure(self) -> str | Promise:
        """Why the license was not read, although the seats were."""
        code = self.config.license_error
        return explain(code).sentence if code else ""

    @property
    def needs_shrink(self) -> bool:
        """Whether somebody has to say that so many accounts are meant to go."""
        return self.config.error_code == "source_shrink"

    @property
    def initial(self) -> dict[str, Any]:
        """The form's values; never the token."""
        return {name: getattr(self.config, name) for name in ("kind", "base_url", "user_name", "path")}


def _translated(detail: str) -> str:
    """A worker keeps it in English; what is a sentence of the catalogue is said in the language in use."""
    if found := _LINE.fullmatch(detail):
        return _("Line %(line)d: %(reason)s") % {"line": int(found[1]), "reason": _(found[2])}
    if found := _REMOVED.fullmatch(detail):
        text = _("The list would remove %(removed)d of %(held)d accounts; confirm that this is meant.")
        return text % {"removed": int(found[1]), "held": int(found[2])}
    return detail
