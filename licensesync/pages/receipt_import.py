"""The page of a receipt that waits for an owner who compares whose key signed it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from connect.models import Server
from enterprises.models import StagedUpload
from licensesync.pages.server import AboutServer
from wire.messages import Receipt


@dataclass(frozen=True)
class ConfirmPage(AboutServer):
    """What a waiting receipt says, and what has to be confirmed before it counts."""

    server: Server
    upload: StagedUpload

    @property
    def asked(self) -> dict[str, Any]:
        """What has to be confirmed: the fingerprint of a key, that a receipt is adopted, or both."""
        review: dict[str, Any] = self.upload.review or {}
        return review

    @property
    def receipt(self) -> Receipt:
        """What it says, as long as nobody confirmed who said so."""
        return msgspec.convert(self.asked["receipt"], Receipt)
