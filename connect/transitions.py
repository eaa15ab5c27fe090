"""Changes of a connection's state, each one conditional update that says whether it won. No HTTP here.

``pending_state_digest`` names a handshake: whoever comes with the digest of an older one changes nothing.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When

from connect.models import Connection, Server
from enterprises import audit
from enterprises.models import User
from enterprises.secrets import EncryptedTextField
from wire import messages

PENDING_LIFETIME: Final = timedelta(minutes=5)

_NO_HANDSHAKE: Final[dict[str, Any]] = {
    "pending_until": None,
    "pending_by": None,
    "pending_state_digest": "",
    "pending_code": "",
    "pending_code_at": None,
}
_NO_CREDENTIALS: Final[dict[str, Any]] = {
    "pending_app_key": "",
    "app_key": "",
    "next_app_key": "",
    "app_id": None,
    "installation_id": None,
    "receipt_keys": [],
    "token": "",
    "token_expires_at": None,
    "license_sync_enabled_at": None,
}
_NO_ACCOUNT: Final[dict[str, Any]] = {
    "cloud_url": "",
    "account_slug": "",
    "account_name": "",
    "account_kind": "",
    "connected_at": None,
    "connected_by": None,
    "disconnected_at": None,
    "is_left_on_cloud": False,
    "base_revision": None,
    "base_snapshot_id": None,
}

NOT_REACHED: Final = "not_reached"


def begin(
    connection: Connection, *, cloud_url: str, state_digest: str, app_key: str, by: User | None, at: datetime
) -> bool:
    """Begin a handshake in place of any other that is not over; impossible while connected."""
    handshake = {**_NO_HANDSHAKE, "pending_until": at + PENDING_LIFETIME, "pending_by": by}
    not_connected = Connection.objects.filter(pk=connection.pk).exclude(state=Connection.State.CONNECTED)
    return bool(
        not_connected.update(
            **handshake
            | {
                "state": Connection.State.PENDING,
                "cloud_url": cloud_url,
                "pending_state_digest": state_digest,
                "pending_app_key": app_key,
            }
        )
    )


def take_code(connection: Connection, *, state_digest: str, code: str, at: datetime) -> bool:
    """Keep the code that the browser brought, once per handshake; converting it may take another five minutes."""
    unused = _handshake(connection, state_digest).filter(pending_code_at__isnull=True, pending_until__gt=at)
    return bool(unused.update(pending_code=code, pending_code_at=at, pending_until=at + PENDING_LIFETIME))


@transaction.atomic
def complete(
    connection: Connection,
    *,
    state_digest: str,
    app_key: str,
    installation: messages.Installation,
    by: User | None,
    at: datetime,
    ip: str,
) -> bool:
    """Be connected: keep the App, pin the receipt keys, adopt what the cloud holds of this server."""
    won = _handshake(connection, state_digest).update(**_connected(installation, app_key=app_key, by=by, at=at))
    if won:
        audit.record(
            enterprise=connection.server.enterprise,
            action="dotcom_connection.create",
            by=by,
            ip=ip,
            target=connection.server.hostname,
            after={
                "cloud_url": connection.cloud_url,
                "account": installation.account.slug,
                "account_kind": installation.account.kind,
                "installation_id": installation.installation_id,
                "held_revision": installation.held.revision if installation.held else None,
            },
            at=at,
        )
    return bool(won)


def _connected(installation: messages.Installation, *, app_key: str, by: User | None, at: datetime) -> dict[str, Any]:
    """Return the columns of a connection that came about: nothing stays of the one before."""
    held, account = installation.held, installation.account
    return {
        **_NO_HANDSHAKE,
        **_NO_CREDENTIALS,
        "state": Connection.State.CONNECTED,
        "app_key": app_key,
        "app_id": installation.app_id,
        "installation_id": installation.installation_id,
        "account_slug": account.slug,
        "account_name": account.name,
        "account_kind": account.kind,
        "receipt_keys": [{"kid": key.kid, "x": key.x} for key in installation.receipt_keys],
        "connected_at": at,
        "connected_by": by,
        "disconnected_at": None,
        "is_left_on_cloud": False,
        "base_revision": held.revision if held else None,
        "base_snapshot_id": uuid.UUID(held.snapshot_id) if held else None,
    }


def abandon(connection: Connection, *, state_digest: str = "") -> bool:
    """End a handshake without a connection; without a digest, whichever is under way.

    Once a code came, the cloud may have made the App although no answer told us. The key is then kept: the next
    handshake with that cloud offers it again, and the cloud recognizes its own App.
    """
    pending = (
        _handshake(connection, state_digest)
        if state_digest
        else Connection.objects.filter(pk=connection.pk, state=Connection.State.PENDING)
    )
    secret = EncryptedTextField()
    kept_key = Case(
        When(pending_code_at__isnull=False, then=F("pending_app_key")),
        default=Value("", output_field=secret),
        output_field=secret,
    )
    before = Case(
        When(disconnected_at__isnull=False, then=Value(Connection.State.DISCONNECTED)),
        default=Value(Connection.State.NOT_CONNECTED),
    )
    return bool(pending.update(**_NO_HANDSHAKE, pending_app_key=kept_key, state=before))


def forget_codes(at: datetime) -> None:
    """Drop the one-time codes of setups whose time is over; what else tells them from others stays."""
    Connection.objects.filter(pending_code_at__isnull=False, pending_until__lte=at).update(pending_code="")


@transaction.atomic
def end(connection: Connection, *, cloud: str, by: User | None, at: datetime, ip: str) -> bool:
    """Be disconnected: the credentials go, the toggle with them; ``cloud`` says what became of the App there."""
    was_enabled_at = Connection.objects.filter(pk=connection.pk).values_list("license_sync_enabled_at", flat=True).get()
    won = Connection.objects.filter(
        pk=connection.pk, state=Connection.State.CONNECTED, installation_id=connection.installation_id
    ).update(
        **_NO_HANDSHAKE,
        **_NO_CREDENTIALS,
        state=Connection.State.DISCONNECTED,
        disconnected_at=at,
        is_left_on_cloud=cloud == NOT_REACHED,
    )
    if won:
        audit.record(
            enterprise=connection.server.enterprise,
            action="dotcom_connection.destroy",
            by=by,
            ip=ip,
            target=connection.server.hostname,
            before={
                "cloud_url": connection.cloud_url,
                "account": connection.account_slug,
                "account_kind": connection.account_kind,
                "installation_id": connection.installation_id,
                "license_sync_enabled_at": was_enabled_at,
            },
            after={"app_on_cloud": cloud},
            at=at,
        )
    return bool(won)


@transaction.atomic
def adopt(connection: Connection, *, base: messages.Base | None) -> bool:
    """Go on from what the cloud holds, in place of what this server believed; whether the connection is still the one
    that was looked at.
    """
    won = _as_seen(connection).update(
        base_revision=base.revision if base else None, base_snapshot_id=uuid.UUID(base.snapshot_id) if base else None
    )
    return bool(won)


@transaction.atomic
def split_off(connection: Connection, *, hostname: str, identity_key: str) -> bool:
    """Be another server: an id, a name and an identity of its own, and no connection; whether this call did it.

    Nothing is said to the cloud: what it holds is the other one's.
    """
    server = connection.server
    same = Server.objects.filter(pk=server.pk, server_id=server.server_id)
    if not same.update(server_id=uuid.uuid4(), hostname=hostname, identity_key=identity_key):
        return False
    # Not under the feet of somebody who connects it at this moment.
    mine = Connection.objects.filter(
        pk=connection.pk, state=connection.state, installation_id=connection.installation_id
    )
    nothing = {**_NO_HANDSHAKE, **_NO_CREDENTIALS, **_NO_ACCOUNT, "state": Connection.State.NOT_CONNECTED}
    if not mine.update(**nothing):
        transaction.set_rollback(True)
        return False
    return True


def _as_seen(connection: Connection) -> QuerySet[Connection]:
    """The row, while nobody connected it anew and no receipt came."""
    return Connection.objects.filter(
        pk=connection.pk,
        state=Connection.State.CONNECTED,
        installation_id=connection.installation_id,
        base_revision=connection.base_revision,
        base_snapshot_id=connection.base_snapshot_id,
    )


def _handshake(connection: Connection, state_digest: str) -> QuerySet[Connection]:
    return Connection.objects.filter(
        pk=connection.pk, state=Connection.State.PENDING, pending_state_digest=state_digest
    )
