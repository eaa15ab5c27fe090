"""The receipt of a file that was applied, as a file to be carried back to its server."""

import msgspec
from django.conf import settings

from cloud.models import Intake
from cloud.refusals import UploadCode
from cloud.signer import all_keys, verified_receipt
from cloud.usage_files.refused import UploadRefused
from wire import signing
from wire.messages import Account
from wire.receipts import receipt_file


def receipt_of(intake: Intake) -> bytes:
    """Return the receipt file, the same however often it is asked for.

    :raises UploadRefused: nothing was applied
    """
    if not intake.receipt:
        raise UploadRefused(UploadCode.EXPIRED)
    account = intake.installation.ledger.enterprise
    kind = "organization" if account.is_organization else "enterprise"
    return receipt_file(
        account=msgspec.convert({"slug": account.slug, "name": account.name, "kind": kind}, Account),
        cloud_url=settings.BASE_URL,
        receipt=verified_receipt(intake.receipt),
        jws=intake.receipt,
        keys=all_keys(),
    )


def receipt_name(intake: Intake) -> str:
    """Return the name under which it is downloaded."""
    revision = (intake.result or {}).get("revision", 0)
    return f"receipt-{intake.installation.hostname}-r{revision}.json"


def receipt_fingerprints() -> dict[str, str]:
    """Return the fingerprints of the cloud's receipt keys by their ids: what an owner of the server compares."""
    return {key.kid: signing.fingerprint(key.x) for key in all_keys()}


def receipt_fingerprint(intake: Intake) -> str:
    """Return the fingerprint of the key that signed the receipt; empty where there is no receipt."""
    return receipt_fingerprints().get(signing.kid_of(intake.receipt), "") if intake.receipt else ""
