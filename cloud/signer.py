"""The keys with which this cloud signs receipts."""

from datetime import datetime

from django.db import IntegrityError, transaction

from cloud.models import ReceiptSigner
from wire import signing
from wire.messages import Receipt, ReceiptKey


def current_signer(at: datetime) -> ReceiptSigner:
    """Return the newest key; the first call makes the first one."""
    return _newest() or _first(at)


def public_keys(at: datetime) -> tuple[ReceiptKey, ...]:
    """Return every key that a server must accept, the current one first."""
    current_signer(at)
    signers = ReceiptSigner.objects.order_by("-created_at", "-pk")
    return tuple(ReceiptKey(kid=signer.kid, x=signer.public_key) for signer in signers)


def sign_receipt(receipt: Receipt) -> str:
    """Return the receipt as a compact JWS of the current key."""
    signer = current_signer(receipt.applied_at)
    key = signing.load_identity_key(signer.private_key)
    return signing.sign(receipt, typ=signing.RECEIPT, key=key, kid=signer.kid)


def _newest() -> ReceiptSigner | None:
    return ReceiptSigner.objects.order_by("-created_at", "-pk").first()


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
