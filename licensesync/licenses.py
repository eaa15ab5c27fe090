"""A server's license beside the seats that it is used for."""

import hashlib
from dataclasses import dataclass

import msgspec

from connect.models import Server
from licensesync.models import License, SeatSource


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


def license_hash(held: License | None) -> str:
    """SHA-256 over the fields of a license; empty where none is known."""
    if held is None:
        return ""
    expires = held.expires_on.isoformat() if held.expires_on else None
    fields = [held.customer, held.kind, held.seats, expires]
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()
