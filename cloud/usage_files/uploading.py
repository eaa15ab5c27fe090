"""Take a usage file in: look at its head, register its server if it is new, and have a worker read it."""

import io
from collections.abc import Callable
from datetime import datetime
from typing import IO, Any, Final

from django.db import transaction
from django.utils import timezone

from cloud import applying
from cloud.file_parts import Progress, code_of, silent
from cloud.models import Channel, Installation, Intake, Ledger
from cloud.refusals import code_named
from cloud.usage_files.refused import OtherFingerprint, UnknownServer, UploadRefused
from cloud.usage_files.senders import check_header, check_history, check_name_is_free, sender
from cloud.usage_files.streams import buffered
from cloud.usage_files.taking import take
from cloud.usage_files.wishes import Wishes, shown_name
from enterprises.models import StagedUpload, User
from enterprises.uploads import UploadTooLarge, open_upload, packed, stage_upload
from wire import signing
from wire.messages import ErrorCode
from wire.usage import UsageHeader
from wire.usage_reading import MAX_HEAD_BYTES, Head, UsageFileInvalid, read_head

PURPOSE: Final = "server_usage"


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
    whole = buffered(stream)
    head, name = _checked_head(io.BytesIO(whole.peek(MAX_HEAD_BYTES)), at), shown_name(name)
    known = _look(ledger, head.header, wishes)
    account = ledger.enterprise
    try:
        with packed(whole) as pieces, transaction.atomic():
            # Whoever uploads another file at the same time finds this one in the hands of its intake.
            staged = stage_upload(enterprise=account, purpose=PURPOSE, stream=pieces, name=name, by=by, at=at)
            if known is not None or fingerprint:
                return take(ledger, head.header, wishes, staged=staged, name=name)[0]
    except UploadTooLarge as error:
        raise UploadRefused(ErrorCode.PAYLOAD_TOO_LARGE) from error
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
    wishes = Wishes(by=by, at=at, ip=ip, fingerprint=fingerprint, allow_rename=allow_rename)
    head = _checked_head(open_upload(staged), at)
    _look(ledger, head.header, wishes)
    if not wishes.has_compared(head.header):
        raise OtherFingerprint
    with transaction.atomic():
        return take(ledger, head.header, wishes, staged=staged, name=staged.name)[0]


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
    lines = buffered(stream)
    head = _checked_head(lines, at)
    if _look(ledger, head.header, wishes) is None and not fingerprint:
        raise UnknownServer(head.header, signing.fingerprint(head.header.server_key), None)
    with transaction.atomic():
        intake, is_new = take(ledger, head.header, wishes, staged=None, name=name)
    if is_new:
        applying.apply_claimed(intake, clock, stream=lines, progress=progress)
    elif intake.kind == Intake.Kind.USAGE and intake.state == Intake.State.APPLYING:
        applying.apply(intake.pk, clock)
    intake.refresh_from_db()
    if intake.state == Intake.State.REFUSED:
        raise UploadRefused(code_named(intake.error_code), intake=intake)
    return intake


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
