"""What can be done to a server and its connection, the audit row in the transaction that changes the row."""

import logging
from datetime import datetime

from django.db import transaction

from connect import credentials, handshake, transitions
from connect.client import hurried_client
from connect.failures import CloudFailure, InstallationGone, NotConnected
from connect.models import Connection, Server, validate_hostname
from enterprises import audit
from enterprises.models import Enterprise, User
from enterprises.outbound import Adapter
from wire import signing

logger = logging.getLogger(__name__)


@transaction.atomic
def register_server(
    *, enterprise: Enterprise, hostname: str, at: datetime, version: str = "", http_only: bool = False
) -> Server:
    """Give an enterprise its server: an id and an identity key that stay, and a connection that stands open.

    ``at`` is when it happens; the audit row of the founding tells of it.

    :raises ValidationError: the host name is none
    """
    server = Server(
        enterprise=enterprise,
        hostname=hostname.strip().lower(),
        version=version,
        http_only=http_only,
        identity_key=signing.private_pem(signing.new_identity_key()),
    )
    server.full_clean()
    server.save(force_insert=True)
    Connection.objects.create(server=server)
    return server


def connect_headless(
    *,
    connection: Connection,
    cloud_url: str,
    account_slug: str,
    token: str,
    by: User | None,
    at: datetime,
    adapter: Adapter | None = None,
) -> Connection:
    """Enable GitHub Connect without a browser, with the token of a cloud owner (scope ``admin:enterprise``).

    :raises connect.handshake.HandshakeFailed: CloudNotOffered, AlreadyConnected, ConnectionExists, HandshakeCancelled
    :raises CloudFailure: nothing is connected; it may be done again
    """
    return handshake.connect_directly(
        connection=connection,
        cloud_url=cloud_url.rstrip("/"),
        account_slug=account_slug,
        token=token,
        by=by,
        at=at,
        adapter=adapter,
    )


def follow_cloud(*, before: str, after: str) -> int:
    """The same cloud answers at another address; answer how many connections follow it there."""
    return Connection.objects.filter(cloud_url=before).update(cloud_url=after)


def rotate_app_key(
    *, connection: Connection, by: User | None, at: datetime, ip: str = "", adapter: Adapter | None = None
) -> bool:
    """Give the server's App a new key in place of its own; whether the cloud has already deleted the former one.

    Whatever is lost on the way, the next call goes on with the same key: the former one is given up only after the
    cloud said that it has the new one, and the cloud gives it up only after the new one was used.
    docs/adr/app-key-follows-app-key.md.

    :raises NotConnected: GitHub Connect is not enabled
    :raises CloudFailure: nothing has changed; it may be done again
    """
    connection.refresh_from_db()
    pem = credentials.prepare_app_key(connection)
    if not pem:
        raise NotConnected
    with hurried_client(connection, adapter, at) as cloud:
        cloud.offer_app_key(pem)
        credentials.switch_app_key(connection, pem, by=by, at=at, ip=ip)
        connection.refresh_from_db()
        try:
            cloud.check_app()
        except CloudFailure as failure:
            # The next sync says it with the new key, too.
            extra = {"connection_id": connection.pk, "code": failure.code}
            logger.warning("A new App key was not used yet.", extra=extra)
            return False
    return True


def cut_off_copies(
    *,
    connection: Connection,
    known_as: str,
    by: User | None,
    at: datetime,
    ip: str = "",
    adapter: Adapter | None = None,
) -> None:
    """Be the original: copies of the App key open nothing any more, and the cloud knows this server's name.

    ``known_as`` is the host name under which the cloud knows it. Whatever is lost on the way, it may be done again.

    :raises NotConnected: GitHub Connect is not enabled
    :raises CloudFailure: the cloud refused, or gave no usable answer
    """
    rotate_app_key(connection=connection, by=by, at=at, ip=ip, adapter=adapter)
    connection.refresh_from_db()
    hostname = connection.server.hostname
    if known_as != hostname:
        with hurried_client(connection, adapter, at) as cloud:
            cloud.rename(former=known_as, hostname=hostname)


def disconnect(
    *,
    connection: Connection,
    by: User | None,
    at: datetime,
    ip: str = "",
    adapter: Adapter | None = None,
    even_if_unreachable: bool = False,
) -> Connection:
    """Disable GitHub Connect: the App is deleted on the cloud, then the credentials here.

    :raises NotConnected: it is not enabled
    :raises CloudFailure: the App may still stand on the cloud and nothing was changed here; with
        ``even_if_unreachable`` the credentials go all the same, and a cloud owner removes the App there
    """
    connection.refresh_from_db()
    if not connection.is_connected:
        raise NotConnected
    try:
        with hurried_client(connection, adapter, at) as cloud:
            cloud.delete_installation()
        became = "deleted"
    except InstallationGone:
        became = "was_gone"
    except CloudFailure as failure:
        if not even_if_unreachable:
            raise
        logger.warning("Disconnected without the cloud.", extra={"connection_id": connection.pk, "code": failure.code})
        became = transitions.NOT_REACHED
    # Nothing is changed where somebody else was faster, or connected anew meanwhile.
    transitions.end(connection, cloud=became, by=by, at=at, ip=ip)
    connection.refresh_from_db()
    return connection


@transaction.atomic
def rename_server(*, server: Server, hostname: str, by: User | None, at: datetime, ip: str = "") -> bool:
    """Give a server its new host name; whether that changed anything. The cloud hears of it when an owner has decided.

    :raises ValidationError: the host name is none
    """
    before, after = server.hostname, hostname.strip().lower()
    validate_hostname(after)
    won = Server.objects.filter(pk=server.pk, hostname=before).exclude(hostname=after).update(hostname=after)
    server.refresh_from_db(fields=["hostname"])
    if won:
        audit.record(
            enterprise=server.enterprise,
            action="server.rename",
            by=by,
            at=at,
            ip=ip,
            target=after,
            before={"hostname": before},
            after={"hostname": after},
        )
    return bool(won)
