"""Make the intake of a file under the lock of the books, or find the one that the same file has."""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from django.db import transaction

from cloud import tasks
from cloud.applying import note_attempt
from cloud.claims import LEASE
from cloud.locks import locked
from cloud.models import Channel, Installation, Intake, Ledger
from cloud.refusals import UploadCode
from cloud.usage_files.deciding import apply_upload, follow_name
from cloud.usage_files.refused import UploadRefused
from cloud.usage_files.registering import register_server
from cloud.usage_files.senders import check_history, opening_of, sender
from cloud.usage_files.wishes import Wishes, shown_name
from enterprises import audit
from enterprises.models import StagedUpload
from wire.messages import ErrorCode
from wire.usage import UsageHeader
from wire.usage_reading import digest_of

_OF_INTAKE: Final = "intake"
KEEP_UNREAD: Final = timedelta(days=7)
"""So long the bytes of a file wait for a worker."""
MOST_WAITING: Final = 20
"""Files of one server that are read, or wait for somebody to apply them."""


def take(
    ledger: Ledger, header: UsageHeader, wishes: Wishes, *, staged: StagedUpload | None, name: str
) -> tuple[Intake, bool]:
    """Make the intake under the lock of the books, or return the one that the same file has; say whether it is new."""
    with locked(ledger) as held:
        installation = sender(held, header)
        if installation is None and not wishes.has_compared(header):  # It was removed while the bytes came in.
            raise UploadRefused(ErrorCode.INSTALLATION_GONE)
        installation = installation or register_server(held, header, by=wishes.by, at=wishes.at, ip=wishes.ip)
        before = installation.intakes.filter(snapshot_id=header.snapshot_id).select_for_update(no_key=True).first()
        if before is not None and _is_same(before, header, installation, wishes.at):
            _forget(staged)
            if wishes.applies and before.state == Intake.State.APPLIED:
                apply_upload(
                    intake=before,
                    by=wishes.by,
                    at=wishes.at,
                    ip=wishes.ip,
                    allow_shrink=wishes.allow_shrink,
                    allow_rename=wishes.allow_rename,
                    wakes=staged is not None,
                )
                before.refresh_from_db()
            return before, False
        check_history(installation, header, allow_rename=wishes.allow_rename)
        if wishes.applies:
            follow_name(held, installation, header, at=wishes.at, by=wishes.by, ip=wishes.ip)
        if before is not None:
            _forget(before.upload)
            before.delete()
        return _make(installation, header, wishes, staged=staged, name=name), True


def _is_same(before: Intake, header: UsageHeader, installation: Installation, at: datetime) -> bool:
    """Whether an intake is of this very file, and still good.

    :raises UploadRefused: of another one under the same id
    """
    if before.channel != Channel.FILE or before.opening_digest != digest_of(header):
        if before.state in {*Intake.OPEN, Intake.State.APPLIED}:
            raise UploadRefused(UploadCode.ALREADY_HELD if before.receipt else ErrorCode.SYNC_ID_REUSED)
        return False
    if before.state == Intake.State.APPLYING:
        return True
    is_ready = before.kind == Intake.Kind.PREVIEW and before.state == Intake.State.APPLIED
    return is_ready and before.expires_at > at and before.opened_at_revision == installation.revision


def _make(
    installation: Installation, header: UsageHeader, wishes: Wishes, *, staged: StagedUpload | None, name: str
) -> Intake:
    previews = installation.intakes.filter(channel=Channel.FILE, kind=Intake.Kind.PREVIEW, expires_at__gt=wishes.at)
    if previews.filter(state__in=(Intake.State.APPLYING, Intake.State.APPLIED)).count() >= MOST_WAITING:
        raise UploadRefused(UploadCode.TOO_MANY_WAITING)
    kind = Intake.Kind.USAGE if wishes.applies else Intake.Kind.PREVIEW
    opening = opening_of(header, hostname=installation.hostname, kind=kind, allow_shrink=wishes.allow_shrink)
    intake = Intake.objects.create(
        installation=installation,
        snapshot_id=header.snapshot_id,
        kind=kind,
        state=Intake.State.APPLYING,
        opened_at=wishes.at,
        expires_at=wishes.at + KEEP_UNREAD,
        opening=msgspec.to_builtins(opening),
        opening_digest=digest_of(header),
        opened_at_revision=installation.revision,
        channel=Channel.FILE,
        upload=staged,
        file_name=shown_name(name),
        uploaded_by=wishes.by,
        header=msgspec.to_builtins(header),
        # Without stored bytes only the one who holds the stream can read it.
        claim=int(staged is None),
        lease_until=wishes.at + LEASE if staged is None else None,
    )
    if wishes.applies:
        note_attempt(installation, wishes.at, Channel.FILE)
    _audit(intake, wishes)
    if staged is not None:
        kept_until = wishes.at + KEEP_UNREAD
        StagedUpload.objects.filter(pk=staged.pk).update(purpose=_OF_INTAKE, expires_at=kept_until)
        transaction.on_commit(lambda: tasks.publish(intake.pk))
    return intake


def _audit(intake: Intake, wishes: Wishes) -> None:
    audit.record(
        enterprise=intake.installation.ledger.enterprise,
        action="license.upload",
        by=wishes.by,
        at=wishes.at,
        ip=wishes.ip,
        target=intake.installation.hostname,
        after={"snapshot_id": str(intake.snapshot_id), "accounts": intake.opening["accounts"], "kind": intake.kind},
    )


def _forget(staged: StagedUpload | None) -> None:
    if staged is not None:
        StagedUpload.objects.filter(pk=staged.pk).delete()
