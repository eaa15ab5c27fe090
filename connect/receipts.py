"""Verify the cloud's receipts: signed by a key that we trust, and about exactly what we sent.

Trusted are the keys that were pinned when we connected, and each one for which a trusted one vouches: these are pinned
as they come. docs/adr/receipt-keys-vouch-for-the-next.md.
"""

import hmac
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from django.db import transaction

from connect.answers import KEY_ID, LARGEST_NUMBER, MAX_RECEIPT_KEYS, is_moment, is_name
from connect.failures import RECEIPT_INVALID, CloudFailure
from connect.models import Connection, FileAccount, Server
from enterprises import audit
from enterprises.models import User
from wire import signing
from wire.messages import EndorsedKey, MessageT, Receipt, ReceiptKey

logger = logging.getLogger(__name__)

# Every trusted key is tried. Who makes up more, a hundred with each sync, is not followed any further.
MOST_PINNED: Final = 1000


class ReceiptInvalid(CloudFailure):
    """It is not the receipt of this sync by this cloud. Nothing counts as synced; a person looks into it."""

    def __init__(self) -> None:
        super().__init__(RECEIPT_INVALID)


def verify_receipt(
    *,
    connection: Connection,
    receipt: str,
    sync_id: UUID | str,
    sha256: str,
    offered: Iterable[EndorsedKey] = (),
) -> Receipt:
    """Return what a compact JWS says, if a key that we trust signed it and it speaks of this server, sync and digest.

    Trusted are the pinned keys, and of those that are ``offered`` with it each one for which a trusted one vouches.

    :raises ReceiptInvalid: anything about it is wrong
    """
    read, _key = signer_of(receipt, connection.receipt_keys, offered)
    server = connection.server
    is_of_this_sync = (
        read.server_id == str(server.server_id)
        and read.account == connection.account_slug
        and read.sync_id == str(sync_id)
        and hmac.compare_digest(read.sha256.encode(), sha256.encode())
    )
    if not is_of_this_sync or not can_be_kept(read):
        raise ReceiptInvalid
    return read


def can_be_kept(read: Receipt) -> bool:
    """Whether what a receipt says can be stored and shown."""
    counts = (read.accounts, read.added, read.changed, read.removed, read.licenses_before, read.licenses_after)
    return (
        1 <= read.revision <= LARGEST_NUMBER
        and all(0 <= count <= LARGEST_NUMBER for count in counts)
        and is_name(read.hostname)
        and is_moment(read.taken_at)
        and is_moment(read.applied_at)
    )


def signer_of(
    receipt: str, pinned: Iterable[dict[str, str]], offered: Iterable[EndorsedKey] = ()
) -> tuple[Receipt, dict[str, str]]:
    """Return what a compact JWS says and the key (``kid`` and ``x``) that signed it, one of those that are trusted.

    Whether it is the receipt of a certain sync is for the caller to compare.

    :raises ReceiptInvalid: none of them did
    """
    for key in _followed(pinned, offered).trusted:
        try:
            return _verified(receipt, Receipt, signing.RECEIPT, [key]), key
        except signing.SignatureInvalid:
            continue
    raise ReceiptInvalid


@transaction.atomic
def pin_followers(connection: Connection, offered: Iterable[EndorsedKey], *, at: datetime) -> None:
    """Pin, of the keys that came with a receipt, those for which a pinned one vouches; audit what came."""
    held = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
    if held.installation_id == connection.installation_id:
        _pin(held, offered, at)


@transaction.atomic
def pin_file_followers(server: Server, offered: Iterable[EndorsedKey], *, at: datetime) -> None:
    """As `pin_followers`, of the account that takes a server's usage files."""
    _pin(FileAccount.objects.select_for_update(no_key=True).get(server=server), offered, at)


def _pin(held: Connection | FileAccount, offered: Iterable[EndorsedKey], at: datetime) -> None:
    followed = _followed(held.receipt_keys, offered)
    if followed.fresh:
        held.receipt_keys = followed.trusted
        held.save(update_fields=["receipt_keys"])
    for key in followed.fresh:
        audit_key(held.server, "dotcom_connection.receipt_key_pinned", key, at=at)
    # One tells enough, of however many somebody made up.
    for key in followed.strange[:1]:
        logger.warning("A receipt key that nothing vouches for was offered.", extra={"server_id": held.server_id})
        audit_key(held.server, "dotcom_connection.receipt_key_refused", key, at=at)


def newer_key(connection: Connection, receipt: str, offered: Iterable[EndorsedKey]) -> str:
    """Return the id of the newest trusted key, where a receipt came under an older one; else nothing.

    That the cloud hears it keeps servers apart that know nothing of keys that follow: these get the old one.
    """
    pinned = {pinned["x"] for pinned in connection.receipt_keys}
    newest = next((key.kid for key in reversed(tuple(offered)) if key.x in pinned), "")
    return "" if newest == signing.kid_of(receipt) else newest


@dataclass
class _Followed:
    trusted: list[dict[str, str]]
    fresh: list[EndorsedKey] = field(default_factory=list)
    strange: list[EndorsedKey] = field(default_factory=list)


def _followed(pinned: Iterable[dict[str, str]], offered: Iterable[EndorsedKey]) -> _Followed:
    """Follow the word of one key for the next, from those that are pinned on."""
    found = _Followed(list(pinned))
    known = {key["x"] for key in found.trusted}
    unknown = (key for key in offered if key.x not in known)
    for key in islice(unknown, max(0, min(MAX_RECEIPT_KEYS, MOST_PINNED - len(known)))):
        if _is_endorsed(key, found.trusted):
            found.fresh.append(key)
            found.trusted.append({"kid": key.kid, "x": key.x})
            known.add(key.x)
        else:
            found.strange.append(key)
    return found


def _is_endorsed(key: EndorsedKey, trusted: Iterable[dict[str, str]]) -> bool:
    try:
        signing.read_public_key(key.x)
        word = _verified(key.endorsement, ReceiptKey, signing.RECEIPT_KEY, trusted)
    except ValueError:
        return False
    return KEY_ID.fullmatch(key.kid) is not None and (word.kid, word.x) == (key.kid, key.x)


def _verified(token: str, kind: type[MessageT], typ: str, trusted: Iterable[dict[str, str]]) -> MessageT:
    """Try every trusted key: the token's own ``kid`` chooses nothing."""
    for each in trusted:
        try:
            return signing.verify(token, kind, typ=typ, key=signing.read_public_key(each["x"]))
        except signing.SignatureInvalid:
            continue
    raise signing.SignatureInvalid("no trusted key signed it")


def audit_key(
    server: Server, action: str, key: ReceiptKey, *, at: datetime, by: User | None = None, ip: str = ""
) -> None:
    """Write down what became of a key, by its id and its fingerprint."""
    # What is refused is somebody's own words, and may be of any length or form.
    known = {"kid": key.kid} if KEY_ID.fullmatch(key.kid) and not audit.looks_secret(key.kid) else {}
    audit.record(
        enterprise=server.enterprise,
        action=action,
        by=by,
        ip=ip,
        target=server.hostname,
        after=known | {"key_fingerprint": signing.fingerprint(key.x)},
        at=at,
    )
