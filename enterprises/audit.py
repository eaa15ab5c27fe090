"""The audit log: who did what to which enterprise, from where, and what it changed. Never a secret."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from enterprises.models import AuditEvent
from enterprises.secrets import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.http import HttpRequest

    from enterprises.models import Enterprise, User

SYSTEM = "system"

SECRET_KEY = re.compile(
    r"(pass(word|wd|phrase)|secret|token|private[_-]?key|app[_-]?key|api[_-]?key|authorization|cookie|credential|jwt)",
    re.IGNORECASE,
)
# Names that tell about a secret without holding it, such as token_expires_at or token_id.
ABOUT_A_SECRET = re.compile(r"_(id|ids|at|name|count|scopes|expiry)\Z", re.IGNORECASE)
# As they are spelled: hosts are called eyja.example.com.
# Companies are called "Basic Telecommunications"; a credential of that length has a digit in all likelihood.
SECRET_VALUE = re.compile(
    rf"-----BEGIN [A-Z ]*PRIVATE KEY|\b{PREFIX}[\w-]{{20,}}|\beyJ[\w-]+\.[\w-]+\.[\w-]+|\bgAAAA[\w-]{{20,}}"
    r"|\b(gh[opsur]|github_pat)_\w{16,}|\b(?i:bearer +|(basic|token) +(?=\S*\d))[\w.~+/-]{16,}|://[^/\s:@]+:[^/\s@]+@"
)


class SecretInAuditEvent(ValueError):
    """Somebody tried to write a secret into the audit log; the message names the place, never the value."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where} looks like a secret and does not belong in the audit log.")


def record(
    *,
    enterprise: Enterprise | None,
    action: str,
    by: User | None,
    at: datetime,
    ip: str = "",
    target: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEvent:
    """Write one event, in the caller's transaction. Without a person it is the system's own doing.

    :raises SecretInAuditEvent: a key or value that looks like a secret
    """
    for where, value in _texts({"target": target, "before": before, "after": after}):
        if looks_secret(value):
            raise SecretInAuditEvent(where)
    return AuditEvent.objects.create(
        enterprise=enterprise,
        actor=by,
        actor_name=by.get_username() if by else SYSTEM,
        action=action,
        ip=ip,
        target=target[:255],
        before=before,
        after=after,
        at=at,
    )


def looks_secret(text: str) -> bool:
    """Whether `record` would refuse a text; for services that ask before they write."""
    return SECRET_VALUE.search(text) is not None


def _texts(value: object, where: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a value with the path that leads to it; a key that names a secret ends the walk."""
    if isinstance(value, dict):
        for key, part in value.items():
            path = f"{where}.{key}" if where else str(key)
            if SECRET_KEY.search(str(key)) and not ABOUT_A_SECRET.search(str(key)):
                raise SecretInAuditEvent(path)
            yield from _texts(part, path)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _texts(part, where)
    elif isinstance(value, str):
        yield where, value


def counted_ip(request: HttpRequest) -> str:
    """What attempts are counted by: the caller's address, and of an IPv6 one its network, every address of which one
    caller may have.
    """
    address = actor_ip(request)
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address)
    # A socket of both protocols shows IPv4 callers in IPv6 clothes.
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), 64), strict=False).network_address)


def actor_ip(request: HttpRequest) -> str:
    """The caller's address, in which `config.middleware` has already looked behind the trusted proxies."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        # A Unix socket has no address.
        return ""
