"""The keys with which this cloud signs receipts, each vouching for the one that follows it."""

from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from cloud.models import Installation, ReceiptSigner
from enterprises import audit
from wire import signing
from wire.messages import EndorsedKey, Receipt, ReceiptKey
from wire.statements import Statement

MOST_AT_CONNECT: Final = 100


def newest_signer() -> ReceiptSigner | None:
    """Return the newest key, None before the first one was made."""
    return _newest_first().first()


def current_signer(at: datetime) -> ReceiptSigner:
    """Return the newest key; the first call makes the first one."""
    return newest_signer() or _first(at)


def public_keys(at: datetime) -> tuple[ReceiptKey, ...]:
    """Return what a server that connects pins, the current one first."""
    current_signer(at)
    return tuple(ReceiptKey(kid=signer.kid, x=signer.public_key) for signer in _newest_first()[:MOST_AT_CONNECT])


def endorsed_keys() -> tuple[EndorsedKey, ...]:
    """Return every key but the first, the oldest first, with the word of the one before it."""
    followers = _newest_first().reverse().exclude(endorsement="")
    return tuple(EndorsedKey(kid=each.kid, x=each.public_key, endorsement=each.endorsement) for each in followers)


def all_keys() -> tuple[EndorsedKey, ...]:
    """Return every key, the oldest first; the first one has an empty endorsement. They travel in a receipt file."""
    signers = _newest_first().reverse()
    return tuple(EndorsedKey(kid=each.kid, x=each.public_key, endorsement=each.endorsement) for each in signers)


def sign_receipt(receipt: Receipt, installation: Installation, *, is_file: bool = False) -> str:
    """Return the receipt as a compact JWS of the newest key that the server accepts.

    A receipt that is carried as a file brings all keys along, so that the newest one signs it.
    """
    known = None if is_file else _accepted_by(installation)
    signer = known or current_signer(receipt.applied_at)
    return signing.sign(receipt, typ=signing.RECEIPT, key=_private(signer), kid=signer.kid)


def verified_receipt(token: str) -> Receipt:
    """Return what a receipt of this cloud says.

    :raises wire.signing.SignatureInvalid: no key of this cloud has signed it
    """
    signer = ReceiptSigner.objects.filter(kid=signing.kid_of(token)).first()
    if signer is None:
        raise signing.SignatureInvalid("not a key of this cloud")
    return signing.verify(token, Receipt, typ=signing.RECEIPT, key=signing.read_public_key(signer.public_key))


def sign_statement(statement: Statement, signer: ReceiptSigner) -> str:
    """Return a statement as a compact JWS of this key."""
    return signing.sign(statement, typ=signing.STATEMENT, key=_private(signer), kid=signer.kid)


def keys_until(kid: str) -> tuple[EndorsedKey, ...]:
    """Return the keys up to this one, the oldest first, which has no word of another one."""
    keys = all_keys()
    return keys[: 1 + next(place for place, key in enumerate(keys) if key.kid == kid)]


def rotate(at: datetime) -> ReceiptSigner:
    """Make a new key, with the word of the one before it; servers go over to it with their next sync."""
    current_signer(at)
    with transaction.atomic():
        # The first key is held, for it stays the first: whoever waits then sees the newest one.
        _newest_first().reverse().select_for_update(no_key=True)[0]
        before = _newest_first()[0]
        key = signing.new_identity_key()
        public = signing.public_text(key.public_key())
        # Never the id of another key, also not of one that was forgotten with a restored database.
        kid = f"receipts-{ReceiptSigner.objects.count() + 1}-{signing.fingerprint(public)[:4]}"
        word = signing.sign(
            ReceiptKey(kid=kid, x=public), typ=signing.RECEIPT_KEY, key=_private(before), kid=before.kid
        )
        audit.record(
            enterprise=None,
            action="receipt_key.create",
            by=None,
            at=at,
            target=kid,
            after={"key_fingerprint": signing.fingerprint(public), "endorsed_by": before.kid},
        )
        return ReceiptSigner.objects.create(
            kid=kid,
            private_key=signing.private_pem(key),
            public_key=public,
            endorsement=word,
            # Clocks may go back; the order of the keys does not.
            created_at=max(at, before.created_at),
        )


def waiting_for(signer: ReceiptSigner) -> QuerySet[Installation]:
    """Return the connected servers whose receipts still come under an older key; files come under the newest."""
    return Installation.objects.filter(state=Installation.State.CONNECTED).exclude(receipt_kid=signer.kid)


@transaction.atomic
def accept(*, installation: Installation, kid: str, at: datetime, ip: str) -> bool:
    """Sign a server's receipts with a key that it accepts from now on; False where there is no such key."""
    if not ReceiptSigner.objects.filter(kid=kid).exists():
        return False
    if Installation.objects.filter(pk=installation.pk).exclude(receipt_kid=kid).update(receipt_kid=kid):
        audit.record(
            enterprise=installation.ledger.enterprise,
            action="enterprise_installation.receipt_key_accepted",
            by=None,
            at=at,
            ip=ip,
            target=installation.hostname,
            before={"kid": installation.receipt_kid},
            after={"kid": kid},
        )
    return True


def _newest_first() -> QuerySet[ReceiptSigner]:
    return ReceiptSigner.objects.order_by("-created_at", "-pk")


def _accepted_by(installation: Installation) -> ReceiptSigner | None:
    if not installation.receipt_kid:
        return _newest_first().last()
    return ReceiptSigner.objects.filter(kid=installation.receipt_kid).first()


def _private(signer: ReceiptSigner) -> Ed25519PrivateKey:
    return signing.load_identity_key(signer.private_key)


def _first(at: datetime) -> ReceiptSigner:
    # The fixed id lets one of two processes that start together win; both then sign with its key.
    key = signing.new_identity_key()
    try:
        with transaction.atomic():
            return ReceiptSigner.objects.create(
                kid="receipts-1",
                private_key=signing.private_pem(key),
                public_key=signing.public_text(key.public_key()),
                created_at=at,
            )
    except IntegrityError:
        return ReceiptSigner.objects.get(kid="receipts-1")
