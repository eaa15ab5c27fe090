"""The server that a page is about, loaded once with everything every page needs."""

from django.http import Http404

from connect.models import Connection, Server
from enterprises.models import Enterprise
from licensesync.models import License, SeatSource

EVERYTHING = (
    "enterprise",
    "connection__connected_by",
    "connection__pending_by",
    "license",
    "seat_source",
    "source_config",
)


class AboutServer:
    """What every page about a server knows of it by its ``server``."""

    server: Server

    @property
    def slug(self) -> str:
        """The enterprise's address."""
        return self.server.enterprise.slug

    @property
    def connection(self) -> Connection:
        """The server's connection, in whatever state."""
        return self.server.connection


def server_of(enterprise: Enterprise) -> Server:
    """The enterprise's server in one query.

    :raises Http404: the enterprise has no server yet
    """
    server = (
        Server.objects.select_related(*EVERYTHING).defer("source_config__token").filter(enterprise=enterprise).first()
    )
    if server is None:
        raise Http404
    return server


def license_of(server: Server) -> License | None:
    """The server's license, if one was entered."""
    return getattr(server, "license", None)


def source_of(server: Server) -> SeatSource | None:
    """Where the server's seats came from, if any came."""
    return getattr(server, "seat_source", None)
