"""Look at a kept receipt again: who signed it, whether it is of this sync, and whether it speaks of the kept lines."""

import hmac
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from connect.models import FileAccount
from connect.receipts import ReceiptInvalid, signer_of
from licensesync.models import SyncJob
from licensesync.snapshot import kept_digest
from wire import signing
from wire.messages import Receipt

CheckName = Literal["signature", "sync", "numbers", "lines"]
PINNED: Final = "pinned"
PINNED_THEN: Final = "pinned_then"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; ``holds`` is None where it cannot be known any more."""

    name: CheckName
    holds: bool | None


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What became of looking again.

    ``receipt`` is what the signer said, or None where no trusted key signed it. ``trust`` says why its key is
    trusted: `PINNED` now, or `PINNED_THEN`, when it came, over a connection that was ended since.
    """

    checks: tuple[Check, ...]
    receipt: Receipt | None = None
    kid: str = ""
    key: str = ""
    trust: str = ""
    holds: bool = field(init=False)

    def __post_init__(self) -> None:
        """It holds where nothing is wrong; what is not kept any more proves nothing either way."""
        object.__setattr__(self, "holds", all(check.holds is not False for check in self.checks))

    @property
    def fingerprint(self) -> str:
        """The digest of the key, as the audit log of both sides names it."""
        return signing.fingerprint(self.key) if self.key else ""


def prove(job: SyncJob) -> Proof:
    """Verify a job's receipt against the pinned keys, its row and its kept lines; reads all of these lines."""
    pinned = _pinned(job)
    then = [job.receipt_key] if job.receipt_key else []
    try:
        receipt, key = signer_of(job.receipt, [*pinned, *then])
    except ReceiptInvalid:
        return Proof(checks=(Check("signature", holds=False),))
    is_pinned = any(key["x"] == each["x"] for each in pinned)
    return Proof(
        checks=(
            Check("signature", holds=True),
            Check("sync", _is_of(job, receipt)),
            Check("numbers", _signs_what_is_shown(job, receipt)),
            Check("lines", _speaks_of_lines(job, receipt)),
        ),
        receipt=receipt,
        kid=key["kid"],
        key=key["x"],
        trust=PINNED if is_pinned else PINNED_THEN,
    )


def _pinned(job: SyncJob) -> list[dict[str, str]]:
    """The keys that are trusted today, of the line and of the account that takes usage files."""
    of_files = (
        FileAccount.objects.filter(server=job.connection.server_id).values_list("receipt_keys", flat=True).first()
    )
    return [*job.connection.receipt_keys, *(of_files or [])]


def readable(job: SyncJob) -> bytes:
    """Return a receipt as JSON for people: what it says, the token as it came, and the key that signed it."""
    proof = prove(job)
    said = msgspec.to_builtins(proof.receipt) if proof.receipt else None
    key = {"kid": proof.kid, "x": proof.key, "fingerprint": proof.fingerprint} if proof.receipt else None
    body = {"receipt": said, "signed_by": key, "holds": proof.holds, "checks": checks_of(proof), "jws": job.receipt}
    return msgspec.json.format(msgspec.json.encode(body), indent=2) + b"\n"


def checks_of(proof: Proof) -> dict[str, bool | None]:
    """Return what was looked at, and whether it holds."""
    return {check.name: check.holds for check in proof.checks}


def _is_of(job: SyncJob, receipt: Receipt) -> bool:
    return (
        receipt.server_id == str(job.connection.server.server_id)
        and receipt.sync_id == str(job.sync_id)
        and hmac.compare_digest(receipt.sha256.encode(), job.sha256.encode())
    )


def _signs_what_is_shown(job: SyncJob, receipt: Receipt) -> bool:
    """Whether each signed field stands in the job's result, which tells of people besides, whom nobody signs."""
    shown = job.result or {}
    return all(name in shown and shown[name] == value for name, value in msgspec.to_builtins(receipt).items())


def _speaks_of_lines(job: SyncJob, receipt: Receipt) -> bool | None:
    """Whether the kept lines have the signed digest; None where they are not kept."""
    found = kept_digest(job)
    return None if found is None else hmac.compare_digest(receipt.sha256.encode(), found.encode())
