"""What somebody decides about a file after its preview: apply it, or discard it."""

from datetime import datetime

import msgspec
from django.db import transaction
from django.db.models import QuerySet

from cloud import tasks
from cloud.applying import note_attempt
from cloud.claims import APPLIED_FROM
from cloud.guards import is_alarming_shrink
from cloud.locks import locked
from cloud.models import Channel, Installation, Intake, IntakePart, Ledger
from cloud.refusals import UploadCode
from cloud.reviving import in_the_way
from cloud.services import rename_installation
from cloud.usage_files.refused import UploadRefused
from cloud.usage_files.senders import check_history, check_name_is_free, opening_of
from enterprises import audit
from enterprises.models import StagedUpload, User
from wire.messages import ErrorCode
from wire.usage import UsageHeader


def apply_upload(
    *,
    intake: Intake,
    by: User | None,
    at: datetime,
    ip: str = "",
    allow_shrink: bool = False,
    allow_rename: bool = False,
    wakes: bool = True,
) -> bool:
    """Have a file applied whose preview is ready; False where somebody else has done so, or discarded it.

    ``wakes`` is False for whoever applies it themselves.

    :raises UploadRefused: the preview does not hold any more, or something must be confirmed first; it stays ready
    """
    header = msgspec.convert(intake.header, UsageHeader)
    with locked(intake.installation.ledger_id) as ledger:
        installation = ledger.installations.select_for_update(no_key=True).filter(pk=intake.installation_id).first()
        if installation is None:
            raise UploadRefused(ErrorCode.INSTALLATION_GONE)
        held = _ready(installation).select_for_update(no_key=True).filter(pk=intake.pk).first()
        if held is None:
            return False
        _check(installation, held, header, at, allow_shrink=allow_shrink, allow_rename=allow_rename)
        follow_name(ledger, installation, header, at=at, by=by, ip=ip)
        if code := in_the_way(ledger, installation):
            raise UploadRefused(code)
        kind = Intake.Kind.USAGE
        opening = opening_of(header, hostname=installation.hostname, kind=kind, allow_shrink=allow_shrink)
        _ready(installation).filter(pk=held.pk).update(
            kind=kind,
            state=Intake.State.APPLYING,
            opening=msgspec.to_builtins(opening),
            opened_at_revision=installation.revision,
            claim=APPLIED_FROM,
            lease_until=None,
            finished_at=None,
        )
        note_attempt(installation, at, Channel.FILE)
        _audit("license.upload_apply", ledger, held, by=by, at=at, ip=ip)
        if wakes:
            transaction.on_commit(lambda: tasks.publish(held.pk))
    return True


def discard_upload(*, intake: Intake, by: User | None, at: datetime, ip: str = "") -> bool:
    """Throw a file away that is read or waits; False where it is over, or being applied."""
    with locked(intake.installation.ledger_id) as ledger:
        mine = Intake.objects.filter(pk=intake.pk, channel=Channel.FILE, kind=Intake.Kind.PREVIEW)
        waiting = mine.filter(state__in=(Intake.State.APPLYING, Intake.State.APPLIED))
        if not waiting.update(state=Intake.State.EXPIRED, finished_at=at, lease_until=None, samples=None):
            return False
        # A worker that reads it at this moment has lost its claim by now.
        IntakePart.objects.filter(intake=intake.pk).delete()
        if intake.upload_id is not None:
            StagedUpload.objects.filter(pk=intake.upload_id).delete()
        _audit("license.upload_discard", ledger, intake, by=by, at=at, ip=ip)
    return True


def follow_name(
    ledger: Ledger, installation: Installation, header: UsageHeader, *, at: datetime, by: User | None, ip: str
) -> None:
    """Know the server under the name of its file from now on, as somebody has confirmed.

    :raises UploadRefused: another server has that name
    """
    former = installation.hostname
    if former == header.host_name:
        return
    check_name_is_free(ledger, header)
    rename_installation(installation=installation, hostname=header.host_name, at=at)
    audit.record(
        enterprise=ledger.enterprise,
        action="enterprise_installation.rename",
        by=by,
        at=at,
        ip=ip,
        target=header.host_name,
        before={"hostname": former},
        after={"hostname": header.host_name, "installation_id": installation.pk},
    )


def _ready(installation: Installation) -> QuerySet[Intake]:
    previews = Intake.objects.filter(installation=installation, channel=Channel.FILE, kind=Intake.Kind.PREVIEW)
    return previews.filter(state=Intake.State.APPLIED)


def _check(
    installation: Installation,
    held: Intake,
    header: UsageHeader,
    at: datetime,
    *,
    allow_shrink: bool,
    allow_rename: bool,
) -> None:
    if held.expires_at <= at:
        raise UploadRefused(UploadCode.EXPIRED)
    if installation.server_key != header.server_key:
        raise UploadRefused(UploadCode.UNKNOWN_KEY)
    check_history(installation, header, allow_rename=allow_rename)
    if installation.revision != held.opened_at_revision:
        raise UploadRefused(ErrorCode.SUPERSEDED)
    removed = (held.result or {}).get("removed", 0)
    if not allow_shrink and is_alarming_shrink(removed=removed, held=installation.accounts):
        raise UploadRefused(ErrorCode.SHRINK_UNCONFIRMED)


def _audit(action: str, ledger: Ledger, intake: Intake, *, by: User | None, at: datetime, ip: str) -> None:
    audit.record(
        enterprise=ledger.enterprise,
        action=action,
        by=by,
        at=at,
        ip=ip,
        target=intake.installation.hostname,
        after={"snapshot_id": str(intake.snapshot_id)},
    )
