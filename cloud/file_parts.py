"""Read the accounts of a usage file into parts, once; from there on a snapshot is one like any other."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
from django.db import transaction
from django.http import Http404

from cloud.claims import LEASE, ClaimLost, mine
from cloud.models import Intake, IntakePart
from cloud.refusals import Code, IntakeRefused, UploadCode
from enterprises.models import StagedUpload
from enterprises.uploads import open_upload
from wire import usage_reading
from wire.messages import ErrorCode
from wire.parts import pack
from wire.usage import UsageHeader
from wire.usage_reading import Piece, Readable, read_head, read_pieces

__all__ = ["Progress", "Readable", "code_of", "read_into_parts", "silent"]

Progress = Callable[[int, int], None]
"""Told how many accounts were read, and of how many."""

_CODES: Final[dict[type[usage_reading.UsageFileInvalid], Code]] = {
    usage_reading.Empty: UploadCode.EMPTY,
    usage_reading.NotJson: UploadCode.NOT_JSON,
    usage_reading.OtherShape: UploadCode.OTHER_SHAPE,
    usage_reading.ZipFile: UploadCode.ZIP_FILE,
    usage_reading.GhesExport: UploadCode.GHES_EXPORT,
    usage_reading.NewerFormat: ErrorCode.UNSUPPORTED_FORMAT,
    usage_reading.BadSignature: UploadCode.BAD_SIGNATURE,
    usage_reading.Truncated: UploadCode.TRUNCATED,
    usage_reading.Edited: UploadCode.EDITED,
    usage_reading.Rewritten: UploadCode.EDITED,
}


def silent(_read: int, _accounts: int) -> None:
    """Tell nobody."""


def code_of(error: usage_reading.UsageFileInvalid) -> Code:
    """Return the code under which a file is refused."""
    return _CODES[type(error)]


def read_into_parts(
    intake: Intake, clock: Callable[[], datetime], *, stream: Readable | None = None, progress: Progress = silent
) -> None:
    """Read the file of an intake, keep its accounts as parts, and let go of its bytes.

    What a worker that died has left is deleted first. ``stream`` stands behind the head of a file that was not stored.

    :raises IntakeRefused: the file is not what the server signed; nothing of it is kept then
    :raises cloud.claims.ClaimLost: the intake is another worker's
    """
    header = msgspec.convert(intake.header, UsageHeader)
    number = read = 0
    _forget_parts(intake, clock())
    try:
        for piece in read_pieces(stream or _stored(intake), header):
            number += 1
            read += piece.lines
            _keep(intake, number, piece, read, clock())
            progress(read, header.accounts)
    except usage_reading.UsageFileInvalid as error:
        _let_go(intake, read, clock())
        raise IntakeRefused(code_of(error)) from error
    except Http404 as error:
        raise IntakeRefused(ErrorCode.DIGEST_MISMATCH) from error
    _let_go(intake, read, clock())


def _stored(intake: Intake) -> Readable:
    if intake.upload is None:
        raise IntakeRefused(ErrorCode.DIGEST_MISMATCH)
    stream = open_upload(intake.upload)
    read_head(stream)
    return stream


def _forget_parts(intake: Intake, at: datetime) -> None:
    with transaction.atomic():
        _note(intake, 0, at)
        IntakePart.objects.filter(intake=intake).delete()


def _keep(intake: Intake, number: int, piece: Piece, read: int, at: datetime) -> None:
    body = pack(piece.data)
    with transaction.atomic():
        # The row is held by the UPDATE: whoever takes the intake over deletes this part as well, or finds it not there.
        _note(intake, read, at)
        IntakePart.objects.create(
            intake=intake,
            number=number,
            lines=piece.lines,
            first_user_id=piece.first_user_id,
            last_user_id=piece.last_user_id,
            sha256=hashlib.sha256(body).hexdigest(),
            body=body,
        )


def _note(intake: Intake, read: int, at: datetime) -> None:
    if not mine(intake).update(accounts_read=read, lease_until=at + LEASE):
        raise ClaimLost


def _let_go(intake: Intake, read: int, at: datetime) -> None:
    with transaction.atomic():
        # Whoever took the intake over reads the same bytes from their beginning.
        _note(intake, read, at)
        if intake.upload_id is not None:
            StagedUpload.objects.filter(pk=intake.upload_id).delete()
    intake.upload = None
