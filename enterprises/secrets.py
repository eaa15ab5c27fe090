"""Secrets: how they are made, recognized, kept encrypted at rest, and compared without being kept at all."""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.backends.base.base import BaseDatabaseWrapper

    TextField = models.TextField[str, str]
else:
    TextField = models.TextField

# Every secret of ours begins like this, so that audit rows, logs and secret scanners recognize one.
PREFIX = "lss_"

WRONG_KEY = (
    "FIELD_ENCRYPTION_KEYS holds no key that opens this secret: put back the key that was in use when it was saved."
)
BAD_KEYS = "FIELD_ENCRYPTION_KEYS must list keys of 32 bytes in URL-safe base64, the one that encrypts first."


class WrongEncryptionKey(Exception):
    """A stored secret cannot be opened with the configured keys."""

    def __init__(self) -> None:
        super().__init__(WRONG_KEY)


def new_secret() -> str:
    """256 random bits that can be read as ours."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is stored and looked up instead of a secret of full strength: SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(BAD_KEYS) from error


def box() -> MultiFernet:
    """The configured keys: the first encrypts, all of them open."""
    return _box(tuple(settings.FIELD_ENCRYPTION_KEYS))


def encrypt(plain: str) -> str:
    return box().encrypt(plain.encode()).decode()


def decrypt(kept: str, keys: Sequence[str] | None = None) -> str:
    """Open a secret with the configured keys, or with others that are about to be.

    :raises WrongEncryptionKey: when none of them opens it.
    """
    try:
        return (box() if keys is None else _box(tuple(keys))).decrypt(kept.encode()).decode()
    except InvalidToken:
        raise WrongEncryptionKey from None


def rotate(kept: str) -> str:
    """The same secret under the first key.

    :raises WrongEncryptionKey: when none of the configured keys opens it.
    """
    try:
        return box().rotate(kept.encode()).decode()
    except InvalidToken:
        raise WrongEncryptionKey from None


class EncryptedTextField(TextField):
    """Text that the database sees only encrypted; the empty string stays empty and means that there is none.

    Two encryptions of one text differ, so a lookup by value could never find anything and is refused.
    """

    def get_prep_value(self, value: Any) -> Any:
        plain = super().get_prep_value(value)
        return encrypt(plain) if plain else plain

    def from_db_value(self, value: str | None, expression: object, connection: BaseDatabaseWrapper) -> str | None:
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


def stored_values(
    model: type[models.Model], field: str, *, using: str = DEFAULT_DB_ALIAS, batch: int = 500
) -> Iterator[tuple[Any, str]]:
    """Primary key and kept text of every secret in a column, as stored, for whoever checks or rotates keys.

    They are read in batches by key, so that writing between them neither waits nor loses the place.
    """
    raw = models.functions.Cast(field, models.TextField())
    rows = model._default_manager.using(using).annotate(_kept=raw).order_by("pk").values_list("pk", "_kept")
    last: Any = None
    while found := list((rows if last is None else rows.filter(pk__gt=last))[:batch]):
        last = found[-1][0]
        yield from ((pk, kept) for pk, kept in found if kept)
