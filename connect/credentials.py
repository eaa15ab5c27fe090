"""The cached installation token of a connection: read, kept and forgotten by conditional updates."""

import re
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from connect.models import Connection
from enterprises import audit
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
