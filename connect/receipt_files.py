"""Read a receipt that came as a file, trusting nothing of it but what a key signed; no network is needed.

A connected server believes the account that it is connected to. One that no line leads to believes the account that its
owner pinned by the fingerprint of a key (`FileAccount`). In both cases one key may vouch for the next.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import dropwhile
from typing import IO, Final

import msgspec

from connect.answers import KEY_ID, MAX_NAME_LENGTH, SLUG, is_name
from connect.models import FileAccount, Server
from connect.receipt_refusals import (
    ReceiptEdited,
    ReceiptKeyNotTrusted,
    ReceiptNewerFormat,
    ReceiptNotJson,
    ReceiptOfAnotherAccount,
    ReceiptOfAnotherServer,
    ReceiptOtherShape,
    ReceiptSignatureWrong,
    ReceiptTooLarge,
)
from connect.receipts import ReceiptInvalid, can_be_kept, signer_of
from enterprises.audit import looks_secret
from wire import signing
from wire.messages import FORMATS, EndorsedKey, MessageInvalid, Receipt, read_message
from wire.receipts import MAX_RECEIPT_FILE_BYTES, ReceiptFile

_MOST_KEYS: Final = 1000


class _Head(msgspec.Struct, frozen=True):
    """What every format says of itself."""

    format: int


@dataclass(frozen=True)
class Trust:
    """Whom a server believes: an account and the keys of its receipts; both are empty before its owner pinned them."""

    account: str
    keys: list[dict[str, str]]
    is_connected: bool


@dataclass(frozen=True)
class CheckedReceipt:
    """A receipt for this server with an intact signature. ``is_trusted`` is whether its key is one that we trust."""

    receipt: Receipt
    file: ReceiptFile
    key: dict[str, str]
    is_trusted: bool

    @property
    def account_name(self) -> str:
        """How the account calls itself; not signed, so that nothing is left of what cannot be shown."""
        name = self.file.account.name
        return name if is_name(name) and len(name) <= MAX_NAME_LENGTH else ""

    @property
    def fingerprint(self) -> str:
        """What an owner compares before the key is trusted."""
        return signing.fingerprint(self.key["x"])


def read_receipt_stream(stream: IO[bytes]) -> bytes:
    """Return the bytes of a file.

    :raises ReceiptTooLarge: no receipt is that large
    """
    content = stream.read(MAX_RECEIPT_FILE_BYTES + 1)
    if len(content) > MAX_RECEIPT_FILE_BYTES:
        raise ReceiptTooLarge
    return content


def trust_of(server: Server) -> Trust:
    """Return whom a server believes now; its connection is read as it was loaded."""
    connection = server.connection
    if connection.is_connected:
        return Trust(connection.account_slug, connection.receipt_keys, is_connected=True)
    account = FileAccount.objects.filter(server=server).first()
    if account is None:
        return Trust("", [], is_connected=False)
    return Trust(account.account_slug, account.receipt_keys, is_connected=False)


def check_receipt(server: Server, content: bytes, trust: Trust, *, account: str = "") -> CheckedReceipt:
    """Return what a file says, if it was signed, for this server, by the account that it believes.

    Whether it is the receipt of a certain file is for the caller to compare, as is a key that is not trusted yet.
    ``account`` is another one that the server reports to from now on, as its owner says.

    :raises ReceiptRefused: anything about it is wrong
    """
    file = _read(content)
    checked = _signed(file, trust)
    receipt = checked.receipt
    if receipt.format not in FORMATS:
        raise ReceiptNewerFormat
    if not _makes_sense(receipt):
        raise ReceiptOtherShape
    if receipt != file.receipt or receipt.account != file.account.slug:
        raise ReceiptEdited
    if receipt.server_id != str(server.server_id):
        raise ReceiptOfAnotherServer(receipt.hostname)
    is_meant = not trust.is_connected and receipt.account == account
    if trust.account and receipt.account != trust.account and not is_meant:
        raise ReceiptOfAnotherAccount(receipt, trust.account, can_change=not trust.is_connected)
    if trust.is_connected and not checked.is_trusted:
        raise ReceiptKeyNotTrusted(checked.fingerprint)
    return checked


def followers(keys: Iterable[EndorsedKey], pinned: Iterable[dict[str, str]]) -> tuple[EndorsedKey, ...]:
    """Return the keys that come after a pinned one: the ones before it need nobody's word any more."""
    known = {key["x"] for key in pinned}
    return tuple(dropwhile(lambda key: key.x not in known, keys))


def _read(content: bytes) -> ReceiptFile:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ReceiptNotJson from error
    try:
        head = read_message(content, _Head)
        if head.format not in FORMATS:
            raise ReceiptNewerFormat
        file = read_message(content, ReceiptFile)
    except MessageInvalid as error:
        raise ReceiptOtherShape from error
    if len(file.keys) > _MOST_KEYS or not all(KEY_ID.fullmatch(key.kid) for key in file.keys):
        raise ReceiptOtherShape
    return file


def _signed(file: ReceiptFile, trust: Trust) -> CheckedReceipt:
    """:raises ReceiptSignatureWrong: neither a trusted key signed it, nor the one that it names"""
    try:
        receipt, key = signer_of(file.jws, trust.keys, followers(file.keys, trust.keys))
        return CheckedReceipt(receipt, file, key, is_trusted=True)
    except ReceiptInvalid:
        named = _named(file)
    for each in named:
        try:
            receipt, key = signer_of(file.jws, [{"kid": each.kid, "x": each.x}])
        except (ReceiptInvalid, signing.KeyInvalid):
            continue
        return CheckedReceipt(receipt, file, key, is_trusted=False)
    raise ReceiptSignatureWrong


def _named(file: ReceiptFile) -> list[EndorsedKey]:
    try:
        kid = signing.kid_of(file.jws)
    except signing.SignatureInvalid:
        return []
    return [key for key in file.keys if key.kid == kid]


def _makes_sense(receipt: Receipt) -> bool:
    """Whether everything can be kept, shown and audited, also where it comes from a key that nobody compared yet."""
    return can_be_kept(receipt) and SLUG.fullmatch(receipt.account) is not None and not looks_secret(receipt.account)
