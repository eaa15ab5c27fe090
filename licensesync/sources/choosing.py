"""Choose where a server's seats come from: the owner on the page, or whoever runs this machine on the command line."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from connect.models import Server
from enterprises import audit
from enterprises.models import User
from enterprises.secrets import WrongEncryptionKey
from licensesync.locks import hold
from licensesync.models import SeatSource, SourceConfig
from licensesync.sources.files import checked_path

MAX_TOKEN: Final = 500
_ORIGIN: Final = re.compile(r"(https?)://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?/?", re.ASCII)
_SECRET: Final = re.compile(rf"[\x21-\x7e]{{1,{MAX_TOKEN}}}", re.ASCII)
_USER: Final = re.compile(r"[\x21-\x39\x3b-\x7e]{0,100}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A source as somebody enters it; an empty ``token`` keeps the one that is held, for the same address only."""

    kind: SeatSource.Kind
    base_url: str = ""
    user_name: str = ""
    token: str = ""
    path: str = ""


def choose(
    *, server: Server, choice: Choice, by: User | None, at: datetime, ip: str = "", is_operator: bool = False
) -> SourceConfig:
    """Set the source, and end what is being read from the former one; the seats stay until the next refresh.

    ``is_operator`` is for the command line: it may name this machine itself, and GHES without TLS.

    :raises ValidationError: by field, what does not fit
    """
    with transaction.atomic():
        hold(server)
        # The token is opened only where it is to be kept: one that cannot be opened must not keep a new one out.
        held = SourceConfig.objects.filter(server=server).defer("token").first() or SourceConfig(server=server)
        before = described(held)
        values = _checked(choice, held, is_operator=is_operator)
        has_new_token = choice.kind == SeatSource.Kind.GHES and bool(choice.token)
        if held.pk and described(held) == {**before, **_public(values)} and not has_new_token:
            return held
        for name, value in {**values, **_NOTHING_HAPPENED}.items():
            setattr(held, name, value)
        held.claim = F("claim") + 1 if held.pk else 1
        held.save()
        held.refresh_from_db()
        after: dict[str, Any] = described(held)
        if has_new_token:
            after["credentials_changed_at"] = at.isoformat(timespec="seconds")
        audit.record(
            enterprise=server.enterprise,
            action="config_entry.update",
            by=by,
            at=at,
            ip=ip,
            target="seat_source",
            before={"seat_source": before},
            after={"seat_source": after},
        )
    return held


_NOTHING_HAPPENED: Final[Mapping[str, Any]] = {
    "requested_at": None,
    "requested_by": None,
    "allow_shrink": False,
    "lease_until": None,
    "attempted_at": None,
    "succeeded_at": None,
    "took_seconds": None,
    "error_code": "",
    "error": "",
    "license_error": "",
    "seen": "",
}


def described(config: SourceConfig) -> dict[str, Any]:
    """What may be shown and audited of a source."""
    return _public({name: getattr(config, name) for name in ("kind", "base_url", "user_name", "path")})


def _public(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(values[name]) for name in ("kind", "base_url", "user_name", "path")}


def _checked(choice: Choice, held: SourceConfig, *, is_operator: bool) -> dict[str, Any]:
    empty = {"kind": choice.kind, "base_url": "", "user_name": "", "token": "", "may_be_local": False, "path": ""}
    match choice.kind:
        case SeatSource.Kind.GHES:
            return {**empty, **_checked_ghes(choice, held, is_operator=is_operator)}
        case SeatSource.Kind.FILE:
            try:
                return {**empty, "path": checked_path(choice.path)}
            except ValidationError as error:
                raise ValidationError({"path": error.messages}) from error
    return empty


def _checked_ghes(choice: Choice, held: SourceConfig, *, is_operator: bool) -> dict[str, Any]:
    problems: dict[str, str] = {}
    user_name, token, base_url = choice.user_name.strip(), choice.token.strip(), ""
    try:
        base_url = checked_address(choice.base_url, is_operator=is_operator)
    except ValidationError as error:
        problems["base_url"] = error.messages[0]
    # A token is given to the address that it was entered for, and to no other.
    is_same = held.kind == SeatSource.Kind.GHES and (held.base_url, held.user_name) == (base_url, user_name)
    token = token or (is_same and _token_of(held)) or ""
    if not token:
        problems["token"] = _("Enter the token: it is kept for the address and the user that it was entered for.")
    elif not _SECRET.fullmatch(token):
        problems["token"] = _("This is no token: it has spaces or other characters that none has.")
    if not _USER.fullmatch(user_name) or audit.looks_secret(user_name):
        problems["user_name"] = _("This is no user name of GHES.")
    if problems:
        raise ValidationError(problems)
    return {"base_url": base_url, "user_name": user_name, "token": token, "may_be_local": is_operator}


def _token_of(held: SourceConfig) -> str:
    """Return the token that is held; nothing where none of the configured keys opens it."""
    try:
        return held.token
    except WrongEncryptionKey:
        return ""


def checked_address(text: str, *, is_operator: bool) -> str:
    """Return scheme, host and port of GHES in one spelling.

    :raises ValidationError: it is none, or one that only the command line may name
    """
    found = _ORIGIN.fullmatch(text.strip())
    if found is None or audit.looks_secret(text) or not 0 < int(found[3] or 443) < 65_536:
        raise ValidationError(_("Enter the address of GHES such as https://ghes.octo.example, without a path."))
    address = text.strip().rstrip("/").lower()
    if is_operator:
        return address
    if found[1].lower() != "https":
        raise ValidationError(_("Enter an address that begins with https://: anybody on the way could read the token."))
    if _is_this_machine(urlsplit(address).hostname or ""):
        raise ValidationError(_("This address is this machine itself; only the command seat_source may name it."))
    return address


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
