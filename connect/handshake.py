"""GitHub Connect, seen from the server: from the owner's click to the App that the cloud made for us.

``start`` signs a manifest and sends the browser to the cloud; the cloud's consent page sends it back with a code and
our ``state``; ``finish`` converts the code. The answer to a conversion may be lost: the code is kept, and for five
minutes ``retry`` gets the same answer. After that the App may exist on the cloud without us: its key is kept as well,
and the next handshake with that cloud takes the App over. Source: docs/connect.md.
"""

import copy
import hmac
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext as _

from connect import transitions
from connect.client import hurried_client
from connect.failures import CloudFailure, CloudRejected, NotAuthorized
from connect.manifest import own_callback, sign_manifest
from connect.models import Connection
from enterprises.models import User
from enterprises.outbound import Adapter
from enterprises.secrets import digest
from wire import messages, signing
from wire.messages import ErrorCode

logger = logging.getLogger(__name__)


class HandshakeFailed(Exception):
    """The handshake is over without a connection; the text is for the owner."""


class CloudNotOffered(HandshakeFailed):
    """The cloud is not one of CLOUD_URLS."""

    def __str__(self) -> str:
        """Return the sentence."""
        return _("This server may not be connected to that cloud: CLOUD_URLS does not list it.")


class AlreadyConnected(HandshakeFailed):
    """There is a connection already."""

    def __str__(self) -> str:
        """Return the sentence."""
        return _("GitHub Connect is already enabled.")


class StateMismatch(HandshakeFailed):
    """The answer belongs to no handshake of this session, or was brought before."""

    def __str__(self) -> str:
        """Return the sentence."""
        return _("The answer from the cloud does not belong to a request of this browser session. Start again.")


class HandshakeExpired(HandshakeFailed):
    """The five minutes are over."""

    def __str__(self) -> str:
        """Return the sentence."""
        return _("The setup was not completed within five minutes. Start again.")


class HandshakeCancelled(HandshakeFailed):
    """Somebody cancelled it, or started another one, meanwhile."""

    def __str__(self) -> str:
        """Return the sentence."""
        return _("The setup was cancelled, or started anew, in the meantime.")


class CodeRejected(HandshakeFailed):
    """The cloud does not accept the code, or not from us."""

    def __str__(self) -> str:
        """Return the sentence."""
        return _("The cloud does not accept the code: it has expired, was used, or is for another server. Start again.")


class ConnectionExists(HandshakeFailed):
    """The cloud has a connection of this server, or of another of its name, that is not ours.

    ``existing`` is which one; None where an older cloud does not say.
    """

    def __init__(self, hostname: str, existing: messages.StandingConnection | None = None) -> None:
        super().__init__(hostname)
        self.hostname = hostname
        self.existing = existing

    def __str__(self) -> str:
        """Return the sentence."""
        return _(
            "A connection for %(hostname)s already exists. Remove it on the cloud's licensing page, under Enterprise "
            "Server instances, then enable GitHub Connect again."
        ) % {"hostname": self.hostname}


@dataclass(frozen=True)
class Handshake:
    """Where to send the browser, and the secret that its session keeps until it comes back."""

    url: str
    state: str


def start(*, connection: Connection, cloud_url: str, by: User | None, at: datetime, callback: str) -> Handshake:
    """Begin: the owner's browser goes to ``url``, and ``callback`` is where it comes back to.

    :raises CloudNotOffered: the cloud is not one of CLOUD_URLS
    :raises AlreadyConnected: GitHub Connect is enabled
    """
    state = _begin(connection, cloud_url=cloud_url, by=by, at=at)
    query = urlencode({"manifest": sign_manifest(connection, callback=callback, at=at), "state": state})
    return Handshake(url=f"{connection.cloud_url}/enterprise-installations/new?{query}", state=state)


def finish(
    *,
    connection: Connection,
    code: str,
    state: str,
    session_state: str,
    by: User | None,
    at: datetime,
    ip: str = "",
    adapter: Adapter | None = None,
) -> Connection:
    """Take what the browser brought back, and be connected.

    :raises StateMismatch: another session's, another handshake's, or used before
    :raises HandshakeExpired: too late
    :raises CodeRejected, ConnectionExists, HandshakeCancelled: it is over, start again
    :raises CloudFailure: no usable answer; the code is kept for ``retry``
    """
    connection.refresh_from_db()
    state_digest = digest(state)
    is_ours = bool(session_state) and hmac.compare_digest(digest(session_state), state_digest)
    if not is_ours or not hmac.compare_digest(connection.pending_state_digest, state_digest):
        raise StateMismatch
    if not transitions.take_code(connection, state_digest=state_digest, code=code, at=at):
        connection.refresh_from_db()
        # Otherwise somebody else brought the code first, and may even be connected by now.
        is_under_way = connection.pending_state_digest == state_digest
        raise HandshakeExpired if is_under_way and _is_expired(connection, at) else StateMismatch
    connection.refresh_from_db()
    return _convert(connection, by=by, at=at, ip=ip, adapter=adapter)


def retry(
    *, connection: Connection, by: User | None, at: datetime, ip: str = "", adapter: Adapter | None = None
) -> Connection:
    """Convert the kept code once more: "Complete your GitHub Connect setup".

    :raises HandshakeExpired: there is no code, or its time is over
    :raises CodeRejected, ConnectionExists, HandshakeCancelled, CloudFailure: see ``finish``
    """
    connection.refresh_from_db()
    if connection.is_connected:
        return connection
    if not connection.pending_code or _is_expired(connection, at):
        raise HandshakeExpired
    return _convert(connection, by=by, at=at, ip=ip, adapter=adapter)


def cancel(*, connection: Connection) -> bool:
    """End the handshake that is under way; say whether there was one."""
    is_over = transitions.abandon(connection)
    connection.refresh_from_db()
    return is_over


def connect_directly(
    *,
    connection: Connection,
    cloud_url: str,
    account_slug: str,
    token: str,
    by: User | None,
    at: datetime,
    adapter: Adapter | None = None,
) -> Connection:
    """Connect with the token of a cloud owner instead of a browser.

    :raises CloudNotOffered, AlreadyConnected, ConnectionExists, HandshakeCancelled: see above
    :raises CloudFailure: nothing is connected here; doing it again takes over what the cloud may have made
    """
    state = _begin(connection, cloud_url=cloud_url, by=by, at=at)
    # From here on the cloud may know the key, as after a code came.
    if not transitions.take_code(connection, state_digest=digest(state), code="", at=at):
        raise HandshakeCancelled
    manifest = sign_manifest(connection, callback=own_callback(connection.server), at=at)
    try:
        with hurried_client(connection, adapter, at) as cloud:
            installation = cloud.connect_directly(account_slug=account_slug, token=token, manifest=manifest)
    except CloudFailure as failure:
        transitions.abandon(connection, state_digest=digest(state))
        connection.refresh_from_db()
        if failure.code == ErrorCode.CONNECTION_EXISTS:
            raise _exists(connection.server.hostname, failure) from failure
        raise
    return _keep(connection, installation, by=by, at=at, ip="", adapter=adapter)


def _begin(connection: Connection, *, cloud_url: str, by: User | None, at: datetime) -> str:
    """Make the handshake's secret and key, and return the secret."""
    if cloud_url not in settings.CLOUD_URLS:
        raise CloudNotOffered
    connection.refresh_from_db()
    known_key = connection.pending_app_key if connection.cloud_url == cloud_url else ""
    app_key = known_key or signing.private_pem(signing.new_app_key())
    state = secrets.token_urlsafe(32)
    if not transitions.begin(
        connection, cloud_url=cloud_url, state_digest=digest(state), app_key=app_key, by=by, at=at
    ):
        raise AlreadyConnected
    connection.refresh_from_db()
    return state


def _is_expired(connection: Connection, at: datetime) -> bool:
    return connection.pending_until is None or connection.pending_until <= at


def _convert(connection: Connection, *, by: User | None, at: datetime, ip: str, adapter: Adapter | None) -> Connection:
    """Convert the kept code; what can never succeed ends the handshake, what may succeed later leaves it as it is."""
    try:
        with hurried_client(connection, adapter, at) as cloud:
            installation = cloud.convert(connection.pending_code)
    except (CloudRejected, NotAuthorized) as failure:
        transitions.abandon(connection, state_digest=connection.pending_state_digest)
        hostname = connection.server.hostname
        connection.refresh_from_db()
        if failure.code == ErrorCode.CONNECTION_EXISTS:
            raise _exists(hostname, failure) from failure
        raise CodeRejected from failure
    return _keep(connection, installation, by=by, at=at, ip=ip, adapter=adapter)


def _exists(hostname: str, failure: CloudFailure) -> ConnectionExists:
    return ConnectionExists(hostname, failure.existing if isinstance(failure, CloudRejected) else None)


def _keep(
    connection: Connection,
    installation: messages.Installation,
    *,
    by: User | None,
    at: datetime,
    ip: str,
    adapter: Adapter | None,
) -> Connection:
    """Be connected, or find out who was faster."""
    app_key = connection.pending_app_key
    won = transitions.complete(
        connection,
        state_digest=connection.pending_state_digest,
        app_key=app_key,
        installation=installation,
        by=by,
        at=at,
        ip=ip,
    )
    given_up = copy.copy(connection)
    connection.refresh_from_db()
    if won or connection.installation_id == installation.installation_id:
        return connection
    if connection.state != Connection.State.PENDING:
        given_up.app_id, given_up.installation_id = installation.app_id, installation.installation_id
        given_up.app_key = app_key
        _take_back(given_up, adapter, at)
    raise HandshakeCancelled


def _take_back(given_up: Connection, adapter: Adapter | None, at: datetime) -> None:
    """Delete an App that nobody wants any more; where that fails, the next handshake takes it over by its key."""
    try:
        with hurried_client(given_up, adapter, at) as cloud:
            cloud.delete_installation()
    except CloudFailure as failure:
        logger.warning(
            "An App that was cancelled stays on the cloud.",
            extra={"connection_id": given_up.pk, "code": failure.code},
        )
