"""The key of a server's App, what it opens, and the key that follows it: both are accepted until the new one was used.

What a request asks for is given under the lock of its server, while the key that let it in is still the App's.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from cloud.locks import hold
from cloud.models import AppToken, Installation
from enterprises import audit
from enterprises.secrets import digest, new_secret
from wire import signing

TOKEN_LIFETIME: Final = timedelta(hours=1)


class ServerGone(Exception):
    """The server was disconnected or removed while it asked."""


class KeyReplaced(Exception):
    """Another key took over while this one asked: what it is given now would outlive it."""


@transaction.atomic
def mint(*, installation: Installation, at: datetime) -> tuple[str, datetime]:
    """Return a token, and when it ends: in an hour. Only its digest is kept, and those that are over go.

    :raises ServerGone, KeyReplaced:
    """
    held = _hold(installation)
    secret, expires_at = new_secret(), at.replace(microsecond=0) + TOKEN_LIFETIME
    AppToken.objects.filter(installation=held, expires_at__lte=at).delete()
    AppToken.objects.create(installation=held, digest=digest(secret), expires_at=expires_at)
    return secret, expires_at


@transaction.atomic
def keep_next(*, installation: Installation, app_key: str, at: datetime, ip: str) -> None:
    """Accept a key beside the App's own. The same again, or the App's own, changes nothing; another replaces it.

    :raises wire.signing.KeyInvalid: it is no App key
    :raises ServerGone, KeyReplaced:
    """
    key = _canonical(app_key)
    held = _hold(installation)
    if key in (_canonical(held.app_key), held.next_app_key):
        return
    held.next_app_key = key
    held.save(update_fields=["next_app_key"])
    _audit(installation, "enterprise_installation.app_key_added", key, at=at, ip=ip)


@transaction.atomic
def switch(*, installation: Installation, at: datetime, ip: str) -> None:
    """The new key was used: the former one ends, and with it every token that it may have minted."""
    key = installation.next_app_key
    won = Installation.objects.filter(pk=installation.pk, next_app_key=key).update(app_key=key, next_app_key="")
    installation.app_key, installation.next_app_key = key, ""
    if won:
        AppToken.objects.filter(installation=installation).delete()
        _audit(installation, "enterprise_installation.app_key_updated", key, at=at, ip=ip)


def _hold(installation: Installation) -> Installation:
    """Keep the server connected until the transaction ends, and its key the one that let this request in."""
    held = hold(installation)
    if held is None:
        raise ServerGone
    if held.app_key != installation.app_key:
        raise KeyReplaced
    return held


def _canonical(app_key: str) -> str:
    return signing.public_pem(signing.read_app_key(app_key))


def _audit(installation: Installation, action: str, key: str, *, at: datetime, ip: str) -> None:
    audit.record(
        enterprise=installation.ledger.enterprise,
        action=action,
        by=None,
        at=at,
        ip=ip,
        target=installation.hostname,
        after={"installation_id": installation.pk, "key_fingerprint": signing.fingerprint(key)},
    )
