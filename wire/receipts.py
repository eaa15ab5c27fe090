"""The receipt file: what a cloud account answers to a usage file, to be carried back to its server.

JSON: the receipt for people to read, the same as a compact JWS, and the cloud's receipt keys, the oldest first, which
has an empty endorsement: all others come with the word of the one before. Whoever reads it trusts only the JWS, and
only under a key whose fingerprint an owner compared, or that a trusted one vouches for.
"""

from collections.abc import Iterable

import msgspec

from wire.messages import Account, EndorsedKey, Receipt

MAX_RECEIPT_FILE_BYTES = 1024 * 1024


class ReceiptFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file. ``cloud_url`` is where the cloud says it lives; ``receipt`` repeats what ``jws`` signs."""

    format: int = 1
    account: Account
    cloud_url: str
    receipt: Receipt
    jws: str
    keys: tuple[EndorsedKey, ...]


def receipt_file(*, account: Account, cloud_url: str, receipt: Receipt, jws: str, keys: Iterable[EndorsedKey]) -> bytes:
    """Return the file as JSON, indented for people."""
    file = ReceiptFile(account=account, cloud_url=cloud_url, receipt=receipt, jws=jws, keys=tuple(keys))
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"
