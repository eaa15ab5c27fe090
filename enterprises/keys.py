"""Every stored secret of the installation: whether the configured keys open it, and how it gets under the first one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.functions import Cast

from enterprises import secrets
from enterprises.secrets import EncryptedTextField, WrongEncryptionKey, decrypt, stored_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A value that was saved anew while it was rotated is looked at again; only a fault makes it change every time.
PASSES: Final = 5


@dataclass
class Rotation:
    """What became of the secrets."""

    rotated: int = 0
    current: int = 0
    unreadable: int = 0
    changed_meanwhile: int = 0


def encrypted_columns() -> Iterator[tuple[type[models.Model], str]]:
    """Each model with each of its encrypted fields, whoever declared it."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                yield model, field.attname


def check_keys(*, using: str = DEFAULT_DB_ALIAS, most: int | None = None, keys: Sequence[str] | None = None) -> None:
    """Open every stored secret, or the first ``most`` of each column, with the configured keys or with ``keys``.

    :raises WrongEncryptionKey: one of them cannot be opened.
    """
    for model, field in encrypted_columns():
        for _pk, kept in islice(stored_values(model, field, using=using), most):
            decrypt(kept, keys)


def rotate_keys() -> Rotation:
    """Put every stored secret under the first key, each by an update that a newer value survives."""
    newest = Fernet(settings.FIELD_ENCRYPTION_KEYS[0])
    total = Rotation()
    for model, field in encrypted_columns():
        rotated_before = 0
        for _each in range(PASSES):
            column = _rotate_column(model, field, newest)
            total.rotated += column.rotated
            if not column.changed_meanwhile:
                break
            rotated_before += column.rotated
        # What an earlier pass rotated is current in the last one.
        total.current += column.current - rotated_before
        total.unreadable += column.unreadable
        total.changed_meanwhile += column.changed_meanwhile
    return total


def _rotate_column(model: type[models.Model], field: str, newest: Fernet) -> Rotation:
    count = Rotation()
    for pk, kept in stored_values(model, field):
        if _opens(newest, kept):
            count.current += 1
            continue
        try:
            fresh = secrets.rotate(kept)
        except WrongEncryptionKey:
            count.unreadable += 1
            continue
        if _replace(model, field, pk, kept, fresh):
            count.rotated += 1
        else:
            count.changed_meanwhile += 1
    return count


def _opens(key: Fernet, kept: str) -> bool:
    try:
        key.decrypt(kept.encode())
    except InvalidToken:
        return False
    return True


def _replace(model: type[models.Model], field: str, pk: object, kept: str, fresh: str) -> bool:
    # Both as stored: the field itself would encrypt them once more, and could not be compared.
    rows = model._default_manager.annotate(_kept=Cast(field, models.TextField())).filter(pk=pk, _kept=kept)
    return bool(rows.update(**{field: models.Value(fresh, output_field=models.TextField())}))
