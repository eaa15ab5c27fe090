"""Take a usage file in: look at its head, register its server if it is new, and have a worker read it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec
from django.db import transaction
from django.utils import timezone

from cloud import applying, tasks
from cloud.claims import LEASE
from cloud.filed import Progress, code_of, silent
from cloud.locks import locked
from cloud.models import Channel, Installation, Intake, Ledger
from cloud.refusals import UploadCode
from cloud.usage_files.deciding import apply_upload, code_named, follow_name, note_attempt
from cloud.usage_files.refused import OtherFingerprint, UnknownServer, UploadRefused
from cloud.usage_files.registering import register_server
from cloud.usage_files.senders import check_header, check_history, check_name_is_free, opening_of, sender
from cloud.usage_files.wishes import Wishes, shown_name
from enterprises import audit
from enterprises.models import StagedUpload, User
from enterprises.uploads import UploadTooLarge, open_upload, stage_upload
from wire import signing
from wire.messages import ErrorCode
from wire.usage import UsageHeader
from wire.usage_reading import MAX_HEAD_BYTES, Head, UsageFileInvalid, digest_of, read_head

if TYPE_CHECKING:
    from typing_extensions import Buffer

PURPOSE: Final = "server_usage"
_OF_INTAKE: Final = "intake"
KEEP_UNREAD: Final = timedelta(days=7)
"""So long the bytes of a file wait for a worker."""
MOST_WAITING: Final = 20
"""Files of one server that are read, or wait for somebody to apply them."""


def upload(
    *,
    ledger: Ledger,
    stream: IO[bytes],
    name: str,
    by: User,
    at: datetime,
    ip: str = "",
    fingerprint: str = "",
    apply: bool = False,
    allow_shrink: bool = False,
    allow_rename: bool = False,
) -> Intake:
    """Stage a file and have a worker read it and compute its preview; with ``apply`` it is applied at once.

    The same file again leads to the same intake. ``fingerprint`` is the one of the server's key that somebody has
    compared: a server that is not known is registered with it.

    :raises UnknownServer: not known, and no fingerprint was given; the file waits for `register`
    :raises UploadRefused: it is not taken
    """
    wishes = Wishes(
        by=by,
        at=at,
        ip=ip,
        fingerprint=fingerprint,
        applies=apply,
        allow_shrink=allow_shrink,
        allow_rename=allow_rename,
    )
    whole = io.BufferedReader(_Raw(stream), MAX_HEAD_BYTES)
    head, name = _checked_head(io.BytesIO(whole.peek(MAX_HEAD_BYTES)), at), shown_name(name)
    known = _look(ledger, head.header, wishes)
    with transaction.atomic():
        # Whoever uploads another file at the same time finds this one in the hands of its intake.
        try:
            staged = stage_upload(enterprise=ledger.enterprise, purpose=PURPOSE, stream=whole, name=name, by=by, at=at)
        except UploadTooLarge as error:
            raise UploadRefused(ErrorCode.PAYLOAD_TOO_LARGE) from error
        if known is not None or fingerprint:
            return _take(ledger, head.header, wishes, staged=staged, name=name)[0]
    raise UnknownServer(head.header, signing.fingerprint(head.header.server_key), staged)


def register(
    *,
    ledger: Ledger,
    staged: StagedUpload,
    fingerprint: str,
    by: User,
    at: datetime,
    ip: str = "",
    allow_rename: bool = False,
) -> Intake:
    """Register the server of a file that waits, as somebody has compared the fingerprint of its key, and take the file.

    :raises UploadRefused: the fingerprint is another one, or the file is not taken by now
    """
    wishes = Wishes(by=by, at=at, ip=ip, fingerprint=fingerprint or " ", allow_rename=allow_rename)
    head = _checked_head(open_upload(staged), at)
    _look(ledger, head.header, wishes)
    with transaction.atomic():
        return _take(ledger, head.header, wishes, staged=staged, name=staged.name)[0]


def upload_now(
    *,
    ledger: Ledger,
    stream: IO[bytes],
    name: str,
    by: User | None,
    at: datetime,
    ip: str = "",
    fingerprint: str = "",
    preview: bool = False,
    allow_shrink: bool = False,
    allow_rename: bool = False,
    progress: Progress = silent,
    clock: Callable[[], datetime] = timezone.now,
) -> Intake:
    """Read a file and preview or apply it at once, without a worker; nothing but its accounts is stored.

    :raises UnknownServer: not known, and no fingerprint was given
    :raises UploadRefused: it is not taken
    """
    wishes = Wishes(
        by=by,
        at=at,
        ip=ip,
        fingerprint=fingerprint,
        applies=not preview,
        allow_shrink=allow_shrink,
        allow_rename=allow_rename,
    )
    lines = io.BufferedReader(_Raw(stream), MAX_HEAD_BYTES)
    head = _checked_head(lines, at)
    if _look(ledger, head.header, wishes) is None and not fingerprint:
        raise UnknownServer(head.header, signing.fingerprint(head.header.server_key), None)
    with transaction.atomic():
        intake, is_new = _take(ledger, head.header, wishes, staged=None, name=name)
    if is_new:
        applying.apply_claimed(intake, clock, stream=lines, progress=progress)
    elif intake.kind == Intake.Kind.USAGE and intake.state == Intake.State.APPLYING:
        applying.apply(intake.pk, clock)
    intake.refresh_from_db()
    if intake.state == Intake.State.REFUSED:
        raise UploadRefused(code_named(intake.error_code), intake=intake)
    return intake


class _Raw(io.RawIOBase):
    """The bytes of a request or a file, in reads that are as long as they were asked for until the end comes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(target) and (piece := self._stream.read(len(target) - filled)):
            target[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled


def _checked_head(stream: Any, at: datetime) -> Head:
    try:
        head = read_head(stream)
    except UsageFileInvalid as error:
        raise UploadRefused(code_of(error)) from error
    check_header(head.header, at)
    return head


def _look(ledger: Ledger, header: UsageHeader, wishes: Wishes) -> Installation | None:
    """Refuse what will not be taken before its bytes are stored; return the server if it is known."""
    known = sender(ledger, header)
    if wishes.fingerprint and not wishes.has_compared(header):
        raise OtherFingerprint
    if known is None or known.state not in Installation.LIVE or known.hostname != header.host_name:
        check_name_is_free(ledger, header)
    if known is not None:
        _check_again(known, header, wishes)
    return known


def _check_again(known: Installation, header: UsageHeader, wishes: Wishes) -> None:
    before = known.intakes.filter(snapshot_id=header.snapshot_id).first()
    if before is not None and before.channel == Channel.FILE and before.state == Intake.State.APPLYING:
        return
    check_history(known, header, allow_rename=wishes.allow_rename)


def _take(
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
        note_attempt(installation, wishes.at)
    _audit(intake, wishes)
    if staged is not None:
        kept_until = wishes.at + KEEP_UNREAD
        StagedUpload.objects.filter(pk=staged.pk).update(purpose=_OF_INTAKE, expires_at=kept_until)
        transaction.on_commit(lambda: tasks.publish(intake.pk))
    return intake


def _audit(intake: Intake, wishes: Wishes) -> None:
    audit.record(
        enterprise=intake.installation.ledger.enterprise,
        action="server_usage.upload",
        by=wishes.by,
        at=wishes.at,
        ip=wishes.ip,
        target=intake.installation.hostname,
        after={"snapshot_id": str(intake.snapshot_id), "accounts": intake.opening["accounts"], "kind": intake.kind},
    )


def _forget(staged: StagedUpload | None) -> None:
    if staged is not None:
        StagedUpload.objects.filter(pk=staged.pk).delete()
