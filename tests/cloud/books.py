"""What the tests of the books share: a cloud account, servers, members and snapshots in few words."""

import io
import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud import intake, services
from cloud.members import MemberChange
from cloud.models import ConsumedLicense, Installation, Ledger, ServerAccount
from cloud.refusals import IntakeRefused
from cloud.signer import public_keys
from enterprises.models import Deployment, Enterprise
from wire import signing
from wire.lines import SnapshotDigest, make_line
from wire.messages import Base, ErrorCode, OpenSync, Receipt, SyncStatus
from wire.parts import MAX_PART_LINES, pack

DATA = Path(__file__).parent.parent / "data"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

Account = tuple[int, str | None]
Person = tuple[str, tuple[str, ...], bool, bool]


def open_books(slug: str, *, at: datetime = NOW, seats_purchased: int = 100) -> Ledger:
    enterprise = Enterprise.objects.create(slug=slug, name=slug.title(), deployment=Deployment.CLOUD, created_at=at)
    return services.open_ledger(enterprise=enterprise, seats_purchased=seats_purchased, at=at)


def connect(ledger: Ledger, hostname: str, *, server_id: str = "", server_key: str = "") -> Installation:
    return Installation.objects.create(
        ledger=ledger,
        server_id=server_id or uuid.uuid4(),
        hostname=hostname,
        app_key="",
        server_key=server_key,
        created_at=NOW,
    )


def member(number: int, login: str, **fields: Any) -> dict[str, Any]:
    return {"id": number, "login": login, "member_roles": ["octo:Member"], **fields}


def ndjson(*members: dict[str, Any]) -> io.BytesIO:
    return io.BytesIO("".join(f"{json.dumps(one)}\n" for one in members).encode() or b"\n")


def import_members(ledger: Ledger, *members: dict[str, Any], partial: bool = False) -> MemberChange:
    """Make these the members, whoever goes."""
    return services.import_members(
        ledger=ledger, stream=ndjson(*members), format="ndjson", by=None, at=NOW, partial=partial, allow_shrink=True
    )


def lines_of(accounts: Iterable[Account]) -> list[bytes]:
    return [make_line(user_id, primary) for user_id, primary in sorted(accounts)]


def opening(installation: Installation, lines: list[bytes], **fields: Any) -> OpenSync:
    """The opening that an honest server sends after what the cloud holds of it."""
    digest = SnapshotDigest()
    for line in lines:
        digest.add(line + b"\n")
    held = installation.snapshot_id
    defaults: dict[str, Any] = {
        "sync_id": str(uuid.uuid4()),
        "hostname": installation.hostname,
        "taken_at": NOW,
        "accounts": len(lines),
        "parts": -(-len(lines) // MAX_PART_LINES),
        "sha256": digest.hexdigest(),
        "base": Base(revision=installation.revision, snapshot_id=str(held)) if held else None,
        "allow_shrink": True,
    }
    return OpenSync(**(defaults | fields))


def parts_of(lines: list[bytes], size: int = MAX_PART_LINES) -> list[bytes]:
    return [pack(b"".join(line + b"\n" for line in lines[at : at + size])) for at in range(0, len(lines), size)]


def send(installation: Installation, lines: list[bytes], opened: OpenSync | None = None) -> SyncStatus:
    """Open, send every part, commit, and let the worker's task do its work."""
    installation.refresh_from_db()
    opened = opened or opening(installation, lines)
    status = intake.open_sync(installation, opened, NOW)
    for number in status.missing:
        intake.receive_part(installation, opened.sync_id, number, parts_of(lines)[number - 1], NOW)
    if status.state == "receiving":
        intake.commit(installation, opened.sync_id, NOW)
        apply_now(installation, opened.sync_id)
    installation.refresh_from_db()
    return intake.status(installation, opened.sync_id)


def apply_now(installation: Installation, sync_id: str) -> None:
    intake.apply(installation.intakes.get(snapshot_id=sync_id).pk, lambda: NOW)


def sync(installation: Installation, accounts: Iterable[Account]) -> SyncStatus:
    return send(installation, lines_of(accounts))


def people(ledger: Ledger) -> list[Person]:
    """Login, server ids, subscription, ambiguous: in the words of the examples' expected.json."""
    ids: dict[str, list[str]] = {}
    for account in ServerAccount.objects.filter(ledger=ledger).select_related("installation"):
        ids.setdefault(account.person_key, []).append(f"{account.installation.hostname}:{account.user_id}")
    rows = ConsumedLicense.objects.filter(ledger=ledger).select_related("member")
    return sorted(
        (
            row.member.login if row.member else "",
            tuple(sorted(ids.get(row.person_key, []))),
            row.license_type == ConsumedLicense.LicenseType.VISUAL_STUDIO,
            row.is_ambiguous,
        )
        for row in rows
    )


def receipt_of(status: SyncStatus) -> Receipt:
    """The receipt, verified as a server does."""
    (key,) = public_keys(NOW)
    return signing.verify(status.receipt, Receipt, typ=signing.RECEIPT, key=signing.read_public_key(key.x))


def refuses_opening(code: ErrorCode, installation: Installation, opened: OpenSync) -> bool:
    try:
        intake.open_sync(installation, opened, NOW)
    except IntakeRefused as refusal:
        return refusal.code is code
    return False


def commit_whole(installation: Installation, lines: list[bytes], opened: OpenSync | None = None) -> OpenSync:
    """Everything up to the moment at which a worker takes over."""
    opened = opened or opening(installation, lines)
    intake.open_sync(installation, opened, NOW)
    for number, body in enumerate(parts_of(lines), start=1):
        intake.receive_part(installation, opened.sync_id, number, body, NOW)
    intake.commit(installation, opened.sync_id, NOW)
    return opened
