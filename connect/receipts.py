"""Verify the cloud's receipts: signed by a key that was pinned when we connected, and about exactly what we sent."""

import hmac
from uuid import UUID

from connect.failures import RECEIPT_INVALID, CloudFailure
from connect.models import Connection
from wire import signing
from wire.messages import Receipt


class ReceiptInvalid(CloudFailure):
    """It is not the receipt of this sync by this cloud. Nothing counts as synced; a person looks into it."""

    def __init__(self) -> None:
        super().__init__(RECEIPT_INVALID)


def verify_receipt(*, connection: Connection, receipt: str, sync_id: UUID | str, sha256: str) -> Receipt:
    """Return what a compact JWS says, if a pinned key signed it and it speaks of this server, sync and digest.

    :raises ReceiptInvalid: anything about it is wrong
    """
    read = _read(connection, receipt)
    server = connection.server
    is_of_this_sync = (
        read.server_id == str(server.server_id)
        and read.account == connection.account_slug
        and read.sync_id == str(sync_id)
        and hmac.compare_digest(read.sha256.encode(), sha256.encode())
    )
    counts = (read.accounts, read.added, read.changed, read.removed, read.licenses_before, read.licenses_after)
    if not is_of_this_sync or read.revision < 1 or min(counts) < 0:
        raise ReceiptInvalid
    return read


def _read(connection: Connection, receipt: str) -> Receipt:
    """Try every pinned key: the token's own ``kid`` chooses nothing."""
    for pinned in connection.receipt_keys:
        try:
            key = signing.read_public_key(pinned["x"])
            return signing.verify(receipt, Receipt, typ=signing.RECEIPT, key=key)
        except signing.SignatureInvalid:
            continue
    raise ReceiptInvalid
