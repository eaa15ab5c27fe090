"""The other side of a usage file: an account that signs receipts for it, and the files they come in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connect.models import Server
from licensesync import exporting
from licensesync.models import SyncJob
from licensesync.syncing.run import run
from tests.factories import NOW
from tests.licensesync.world import Clock
from wire import signing
from wire.messages import Account, EndorsedKey, Receipt, ReceiptKey
from wire.receipts import receipt_file

CLOUD_URL = "https://cloud.example"


@dataclass
class FarCloud:
    """An account of a cloud that no line leads to. Its keys follow one another, as each vouches for the next."""

    account: str = "octo"
    keys: list[Ed25519PrivateKey] = field(default_factory=lambda: [signing.new_identity_key()])
    endorsed: list[EndorsedKey] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.endorsed.append(EndorsedKey(kid="receipts-1", x=_public(self.keys[0]), endorsement=""))

    def rotate(self) -> None:
        """Make a new key, with the word of the one before it."""
        key = signing.new_identity_key()
        named = ReceiptKey(kid=f"receipts-{len(self.keys) + 1}", x=_public(key))
        word = signing.sign(named, typ=signing.RECEIPT_KEY, key=self.keys[-1])
        self.keys.append(key)
        self.endorsed.append(EndorsedKey(kid=named.kid, x=named.x, endorsement=word))

    @property
    def fingerprint(self) -> str:
        """What its page shows, of the newest key."""
        return signing.fingerprint(_public(self.keys[-1]))

    def receipt(self, job: SyncJob, revision: int = 1, **changes: object) -> Receipt:
        """What it says of a file, all of whose accounts are new to it."""
        said: dict[str, object] = {
            "sync_id": str(job.sync_id),
            "server_id": str(job.connection.server.server_id),
            "hostname": job.hostname,
            "account": self.account,
            "sha256": job.sha256,
            "accounts": job.accounts,
            "added": job.accounts,
            "changed": 0,
            "removed": 0,
            "licenses_before": 0,
            "licenses_after": job.accounts,
            "revision": revision,
            "taken_at": job.taken_at,
            "applied_at": NOW,
        }
        return msgspec.convert(said | changes, Receipt)

    def answer(
        self, job: SyncJob, revision: int = 1, *, shown: dict[str, Any] | None = None, **changes: object
    ) -> bytes:
        """The file of a receipt; ``shown`` is what somebody wrote into it on its way."""
        receipt = self.receipt(job, revision, **changes)
        kid = self.endorsed[-1].kid
        file = receipt_file(
            account=Account(slug=self.account, name="Octo Inc.", kind="enterprise"),
            cloud_url=CLOUD_URL,
            receipt=receipt,
            jws=signing.sign(receipt, typ=signing.RECEIPT, key=self.keys[-1], kid=kid),
            keys=self.endorsed,
        )
        return file if shown is None else msgspec.json.encode(msgspec.json.decode(file) | shown)


def _public(key: Ed25519PrivateKey) -> str:
    return signing.public_text(key.public_key())


def exported(server: Server, at: datetime = NOW) -> SyncJob:
    """A usage file of a server with seats, made by a worker."""
    job = exporting.request_export(server=server, by=None, at=at)
    run(job.pk, clock=Clock(at))
    job.refresh_from_db()
    return job
