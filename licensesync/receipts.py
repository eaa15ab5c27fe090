"""Verify the cloud's signed receipt before anything is believed."""

from connect.models import Connection
from licensesync.models import SyncJob
from wire.messages import Receipt
from wire.signing import RECEIPT, KeyInvalid, SignatureInvalid, read_public_key, verify


class ReceiptInvalid(Exception):
    """The receipt is not signed by a pinned key, or is for something else. ``field`` says what differs."""

    def __init__(self, field: str) -> None:
        self.field = field
        super().__init__(f"The receipt cannot be believed: {field}.")


def verified_receipt(token: str, *, connection: Connection, job: SyncJob) -> Receipt:
    """Return the receipt of a job, checked against the keys pinned at connecting and against what was sent.

    :raises ReceiptInvalid: the signature or any claim does not fit
    """
    receipt = _signed(token, connection)
    expected = {
        "sync_id": str(job.sync_id),
        "server_id": str(connection.server.server_id),
        "hostname": job.hostname,
        "sha256": job.sha256,
        "accounts": job.accounts,
    }
    for field, value in expected.items():
        if getattr(receipt, field) != value:
            raise ReceiptInvalid(field)
    return receipt


def _signed(token: str, connection: Connection) -> Receipt:
    for pinned in connection.receipt_keys:
        try:
            return verify(token, Receipt, typ=RECEIPT, key=read_public_key(pinned["x"]))
        except (SignatureInvalid, KeyInvalid):
            continue
    raise ReceiptInvalid("signature")
