"""Servers, cloud accounts and connections for tests: made by the real services, over the real handshake."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.utils import timezone

from cloud import handshake as consent
from cloud.models import Ledger
from cloud.services import open_ledger
from connect import handshake
from connect.models import Connection, Server
from connect.services import register_server
from enterprises.models import Enterprise, User
from tests.factories import make_cloud_enterprise, make_server_enterprise
from tests.support.wsgi_adapter import WsgiAdapter

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

IP = "192.0.2.7"


def make_server(slug: str = "", *, hostname: str = "ghes.octo.example", owner: User | None = None) -> Server:
    """A server with its identity, not connected."""
    enterprise = make_server_enterprise(slug, owner=owner)
    return register_server(enterprise=enterprise, hostname=hostname, version="3.19.1", at=timezone.now())


def make_ledger(slug: str = "", *, owner: User | None = None, seats: int = 100) -> Ledger:
    """A cloud account with its books open."""
    return open_ledger(enterprise=make_cloud_enterprise(slug, owner=owner), seats_purchased=seats, at=timezone.now())


def callback(server: Server) -> str:
    """Where the cloud sends the browser back to."""
    return f"https://{server.hostname}/enterprises/{server.enterprise.slug}/settings/dotcom_connection/complete"


@dataclass(frozen=True)
class Journey:
    """What the browser carries: the state of its session, and the code that the cloud gave."""

    state: str
    code: str


def consented(connection: Connection, account: Enterprise, *, owner: User, at: datetime | None = None) -> Journey:
    """Begin a handshake, and have the owner consent on the cloud."""
    now = at or timezone.now()
    begun = handshake.start(
        connection=connection,
        cloud_url=settings.CLOUD_URLS[0],
        by=owner,
        at=now,
        callback=callback(connection.server),
    )
    manifest = parse_qs(urlsplit(begun.url).query)["manifest"][0]
    return Journey(begun.state, consent.give_code(manifest_jws=manifest, account=account, by=owner, at=now))


def connect(
    server: Server, account: Enterprise, *, owner: User, adapter: BaseAdapter | None = None, at: datetime | None = None
) -> Connection:
    """A connection that came about as in a browser."""
    journey = consented(server.connection, account, owner=owner, at=at)
    return handshake.finish(
        connection=server.connection,
        code=journey.code,
        state=journey.state,
        session_state=journey.state,
        by=owner,
        at=at or timezone.now(),
        ip=IP,
        adapter=adapter or WsgiAdapter(),
    )
