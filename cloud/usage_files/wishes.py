"""Who brings a usage file, and what they have said of it beforehand."""

from dataclasses import dataclass
from datetime import datetime

from enterprises.models import User
from wire import signing
from wire.usage import UsageHeader


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """``fingerprint`` is the one of the server's key that somebody has compared, as written; empty: nobody has."""

    by: User | None
    at: datetime
    ip: str = ""
    fingerprint: str = ""
    applies: bool = False
    allow_shrink: bool = False
    allow_rename: bool = False

    def has_compared(self, header: UsageHeader) -> bool:
        """Whether it was the key of this file that somebody has compared."""
        return signing.is_fingerprint(self.fingerprint, header.server_key)


def shown_name(name: str) -> str:
    """Return the name of a file without what no name needs, and no column stores."""
    return "".join(filter(str.isprintable, name))[:255]
