"""The key of a server's App, and the one that follows it: both are accepted until the new one was used once."""

from datetime import datetime

from django.db import transaction

from cloud.models import AppToken, Installation
from enterprises import audit
from wire import signing


@transaction.atomic
def keep_next(*, installation: Installation, app_key: str, at: datetime, ip: str) -> None:
    """Accept a key beside the App's own. The same again, or the App's own, changes nothing; another replaces it.

    :raises wire.signing.KeyInvalid: it is no App key
    """
    key = _canonical(app_key)
    held = Installation.objects.select_for_update(no_key=True).get(pk=installation.pk)
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
