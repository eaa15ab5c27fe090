"""The setup code of a first start: whoever can read what the console printed becomes its first owner."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from django.utils import timezone

from enterprises.models import Role, RoleName, SetupCode
from enterprises.secrets import digest

if TYPE_CHECKING:
    from datetime import datetime


class SetupClosed(Exception):
    """Somebody owns an enterprise already: setting up is over."""


class SetupCodeWrong(Exception):
    """The setup code is not the one that was printed last."""


def needs_first_owner() -> bool:
    """Whether nobody owns anything yet, as after a first start without the demo."""
    return not Role.objects.filter(role=RoleName.OWNER).exists()


def setup_secret(*, at: datetime | None = None) -> str:
    """A new setup code of 100 bits, for whoever started the console; it replaces the one before.

    :raises SetupClosed: somebody owns an enterprise
    """
    if not needs_first_owner():
        raise SetupClosed
    text = base64.b32encode(secrets.token_bytes(15)).decode()[:20]
    code = "-".join(text[start : start + 5] for start in range(0, 20, 5))
    SetupCode.objects.update_or_create(pk=1, defaults={"digest": digest(code), "created_at": at or timezone.now()})
    return code


def spend_setup_code(code: str) -> None:
    """Use the setup code up, within the transaction that creates the first owner.

    :raises SetupClosed: somebody owns an enterprise
    :raises SetupCodeWrong: it is not the code that was printed last
    """
    if not needs_first_owner():
        raise SetupClosed
    letters = "".join(code.upper().replace("-", "").split())
    written = "-".join(letters[start : start + 5] for start in range(0, len(letters), 5))
    spent, _rows = SetupCode.objects.filter(digest=digest(written)).delete()
    if not spent:
        raise SetupCodeWrong
