"""The credentials of a connection, cached token and App key: read, kept and replaced by conditional updates."""

import re
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from connect.models import Connection
from enterprises import audit
from enterprises.models import User
from wire import signing
from wire.messages import AccessToken

RENEW_BELOW: Final = timedelta(minutes=5)
LONGEST_LIFE: Final = timedelta(hours=2)

# What may stand in an Authorization header.
_TOKEN = re.compile(r"[\x21-\x7e]{8,1000}", re.ASCII)


def is_plausible(token: AccessToken, at: datetime) -> bool:
    """Whether it can be an installation token at all: header-safe, and good for about an hour."""
    return bool(_TOKEN.fullmatch(token.token)) and at < token.expires_at <= at + LONGEST_LIFE


def cached_token(connection: Connection, at: datetime) -> str:
    """Return the token that is good for five more minutes, or the empty string."""
    expires_at = connection.token_expires_at
    return connection.token if expires_at and at + RENEW_BELOW <= expires_at else ""


@transaction.atomic
def keep_token(connection: Connection, token: AccessToken, at: datetime) -> bool:
    """Keep a new token, unless the connection was ended or renewed meanwhile; say whether it is kept.

    Two workers may renew at once: both tokens are valid, and either may stay.
    """
    connection.token, connection.token_expires_at = token.token, token.expires_at
    kept = Connection.objects.filter(
        pk=connection.pk, state=Connection.State.CONNECTED, installation_id=connection.installation_id
    ).update(token=token.token, token_expires_at=token.expires_at)
    if kept:
        audit.record(
            enterprise=connection.server.enterprise,
            action="dotcom_connection.token_updated",
            by=None,
            target=connection.server.hostname,
            after={"token_expires_at": token.expires_at},
            at=at,
        )
    return bool(kept)


def forget_token(connection: Connection) -> None:
    """Take a token that the cloud did not accept out of the cache of this process."""
    connection.token, connection.token_expires_at = "", None


def renew_app_key(connection: Connection) -> bool:
    """Take over the App key that another process of ours switched to; say whether there is one."""
    same = Connection.objects.filter(pk=connection.pk, installation_id=connection.installation_id)
    current = same.values_list("app_key", flat=True).first()
    if not current or current == connection.app_key:
        return False
    connection.app_key = current
    return True


@transaction.atomic
def prepare_app_key(connection: Connection) -> str:
    """Return the App key that shall follow, made once and kept until the cloud has it; empty where all is over."""
    held = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    if not held.is_connected or held.installation_id != connection.installation_id:
        return ""
    if not held.next_app_key:
        held.next_app_key = signing.private_pem(signing.new_app_key())
        held.save(update_fields=["next_app_key"])
    return held.next_app_key


@transaction.atomic
def switch_app_key(connection: Connection, pem: str, *, by: User | None, at: datetime, ip: str) -> bool:
    """Use the key that was prepared, and forget the one before it; say whether this call did it."""
    held = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    if held.next_app_key != pem or held.installation_id != connection.installation_id:
        return False
    held.app_key, held.next_app_key = pem, ""
    held.token, held.token_expires_at = "", None
    held.save(update_fields=["app_key", "next_app_key", "token", "token_expires_at"])
    audit.record(
        enterprise=connection.server.enterprise,
        action="dotcom_connection.app_key_updated",
        by=by,
        ip=ip,
        target=connection.server.hostname,
        after={"key_fingerprint": fingerprint_of(pem)},
        at=at,
    )
    return True


def fingerprint_of(pem: str) -> str:
    """Return what people compare of a private App key: the fingerprint of its public part."""
    return signing.fingerprint(signing.public_pem(signing.load_app_key(pem).public_key()))
