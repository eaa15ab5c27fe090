"""Where the connection stands, as the GitHub Connect page shows it and asks for it again while somebody looks."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.urls import reverse
from django.utils.translation import gettext as _

from connect.failures import Place
from connect.models import Connection, Server
from licensesync.models import SeatSource
from licensesync.pages.places import PlaceLink, link_to
from licensesync.pages.server import AboutServer, source_of
from licensesync.state import ConnectionState, connection_state

Stage = Literal["off", "pending", "expired", "connected"]


@dataclass(frozen=True)
class StateBand(AboutServer):
    """The state of one server's connection as of a moment."""

    server: Server
    state: ConnectionState
    at: datetime
    is_owner: bool

    @property
    def stage(self) -> Stage:
        """Which of the page's faces is shown."""
        connection = self.server.connection
        if connection.is_connected:
            return "connected"
        if connection.state != Connection.State.PENDING:
            return "off"
        is_open = connection.pending_until is not None and connection.pending_until > self.at
        return "pending" if is_open else "expired"

    @property
    def place(self) -> PlaceLink | None:
        """Where the next step of the state is taken, when that is another page."""
        if self.state.place == Place.CONNECTION:
            # What failed and is mended on this page is mended by connecting anew.
            url = reverse("licensesync:connection_disable", args=[self.slug])
            return PlaceLink(_("Disable GitHub Connect"), url) if self.state.error_code and self.is_owner else None
        return link_to(self.state.place, self.slug, is_owner=self.is_owner)

    @property
    def seats(self) -> SeatSource | None:
        """Where the seats come from that would be sent now, and when they were taken."""
        return source_of(self.server)

    @property
    def is_due(self) -> bool:
        """Whether the weekly run's time has come."""
        return self.state.next_run_at is not None and self.state.next_run_at <= self.at

    @property
    def face(self) -> str:
        """Changes whenever more of the page than the state does: then the whole page is loaded anew."""
        connection = self.server.connection
        return _digest(
            self.stage, connection.installation_id, connection.license_sync_enabled_at, bool(connection.pending_code)
        )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the state does, so that an unchanged one is neither sent nor read out again."""
        return _digest(self.state.fingerprint, self.is_due, self.seats.imported_at if self.seats else None)


def state_band(server: Server, at: datetime, *, is_owner: bool) -> StateBand:
    """Read the state of a server in two queries."""
    return StateBand(server, connection_state(server.connection, at), at, is_owner)


def _digest(*parts: object) -> str:
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]
