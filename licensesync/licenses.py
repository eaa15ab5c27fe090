"""A server's license: what it says, until when, how much of it is used, and who says so."""

import enum
import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from connect.models import Server
from enterprises import audit
from enterprises.models import User
from licensesync.locks import hold
from licensesync.models import License, SeatSource


class ExpiryLevel(enum.StrEnum):
    """How urgent the end of a license is: owners are warned 60, 30 and 7 days before it."""

    NONE = ""
    WITHIN_60_DAYS = "60"
    WITHIN_30_DAYS = "30"
    WITHIN_7_DAYS = "7"
    EXPIRED = "expired"


_LEVELS: Final = ((7, ExpiryLevel.WITHIN_7_DAYS), (30, ExpiryLevel.WITHIN_30_DAYS), (60, ExpiryLevel.WITHIN_60_DAYS))


@dataclass(frozen=True, kw_only=True)
class Expiry:
    """When a license ends. ``days_left`` is 0 on its last day, negative after it, None where it never ends."""

    expires_on: date | None
    days_left: int | None
    level: ExpiryLevel

    @property
    def is_expired(self) -> bool:
        """Whether its last day is over."""
        return self.level is ExpiryLevel.EXPIRED


def expiry_of(held: License | None, at: datetime) -> Expiry:
    """Return when a license ends, seen from a moment. Days are those of UTC, so that everybody reads the same."""
    if held is None or held.expires_on is None:
        return Expiry(expires_on=None, days_left=None, level=ExpiryLevel.NONE)
    days_left = (held.expires_on - at.astimezone(UTC).date()).days
    if days_left < 0:
        level = ExpiryLevel.EXPIRED
    else:
        level = next((level for days, level in _LEVELS if days_left <= days), ExpiryLevel.NONE)
    return Expiry(expires_on=held.expires_on, days_left=days_left, level=level)


@dataclass(frozen=True, kw_only=True)
class LicenseUse:
    """What the License page says. ``total`` and ``available`` are None where the license is unlimited or unknown."""

    license: License | None
    source: SeatSource | None
    used: int
    total: int | None
    available: int | None

    @property
    def is_over(self) -> bool:
        """Whether more seats are used than were bought: shown, never a lock-out."""
        return self.total is not None and self.used > self.total


def license_use(server: Server) -> LicenseUse:
    """Return the license and how much of it is used, in two queries."""
    return use_of(License.objects.filter(server=server).first(), SeatSource.objects.filter(server=server).first())


def use_of(held: License | None, source: SeatSource | None) -> LicenseUse:
    """Return the same of what was read already."""
    used = source.license_consuming if source else 0
    total = held.seats if held else None
    available = None if total is None else max(0, total - used)
    return LicenseUse(license=held, source=source, used=used, total=total, available=available)


def license_values(use: LicenseUse, at: datetime) -> dict[str, Any]:
    """Return what ``--json`` says of a license and of its seats; None where nobody said so yet."""
    held, source, expiry = use.license, use.source, expiry_of(use.license, at)
    return {
        "customer": held.customer if held else None,
        "kind": held.kind if held else None,
        "from": held.source if held else None,
        "seats": "unlimited" if held and use.total is None else use.total,
        "seats_used": use.used,
        "seats_available": "unlimited" if held and use.available is None else use.available,
        "dormant": source.dormant if source else None,
        "suspended": source.suspended if source else None,
        "expires_on": expiry.expires_on.isoformat() if expiry.expires_on else None,
        "days_left": expiry.days_left,
        "warning": expiry.level,
    }


@transaction.atomic
def keep_license(
    *,
    server: Server,
    kind: str,
    seats: int | None,
    expires_on: date | None,
    source: License.Source,
    at: datetime,
    customer: str | None = None,
    by: User | None = None,
    ip: str = "",
) -> License:
    """Write down what a server's license says; audited only where something changed.

    ``seats`` None is unlimited, ``expires_on`` None never ends. ``customer`` None keeps the one that is held: GHES's
    API does not tell it.

    :raises django.core.exceptions.ValidationError: a value does not fit
    """
    hold(server)
    held = License.objects.filter(server=server).first()
    before = _values(held) if held else None
    changed = held or License(server=server)
    changed.kind, changed.seats, changed.expires_on, changed.source = kind, seats, expires_on, source
    changed.read_at = at
    if customer is not None:
        changed.customer = customer.strip()
    changed.full_clean(exclude={"customer"} if customer is None else None)
    _refuse_credentials(changed)
    changed.save()
    after = _values(changed)
    if after != before:
        audit.record(
            enterprise=server.enterprise,
            action="license.update",
            by=by,
            at=at,
            ip=ip,
            target=server.hostname,
            before=before,
            after=after,
        )
    return changed


def _refuse_credentials(held: License) -> None:
    """The audit log takes none, and nobody meant to enter one."""
    problems = {}
    if audit.looks_secret(held.customer):
        problems["customer"] = _("The customer looks like it holds a password or token; leave it out.")
    if audit.looks_secret(held.kind):
        problems["kind"] = _("The kind looks like it holds a password or token; leave it out.")
    if problems:
        raise ValidationError(problems)


def _values(held: License) -> dict[str, Any]:
    names = ("customer", "kind", "seats", "expires_on", "source")
    return {name: getattr(held, name) for name in names}


def license_hash(held: License | None) -> str:
    """SHA-256 over the fields of a license; empty where none is known."""
    if held is None:
        return ""
    expires = held.expires_on.isoformat() if held.expires_on else None
    fields = [held.customer, held.kind, held.seats, expires]
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
