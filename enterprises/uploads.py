"""Keep an uploaded file between its preview and its apply, in the database and in bounded memory."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, cast

import zstandard
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.db import connection, transaction
from django.http import Http404

from enterprises.models import Enterprise, StagedUpload, StagedUploadPiece

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from typing_extensions import Buffer

    from enterprises.models import User

KEPT_FOR = timedelta(hours=1)
MAX_BYTES = 512 * 1024 * 1024
# With the fields beside the file; a larger form is refused before it is taken apart.
MAX_REQUEST_BYTES = MAX_BYTES + 16 * 1024 * 1024
# Uploads of one person and looks at them within a minute: each reads a whole file.
MAX_A_MINUTE = 30
PIECE_BYTES = 4 * 1024 * 1024


class UploadTooLarge(ValueError):
    """The file is larger than an import may be."""


class BoundedUpload(FileUploadHandler):
    """Refuses a form with more than an import may hold, and every file of a stranger, before it is taken apart.

    Django takes a form apart, and copies its files, before any view asks who sent it.
    """

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        """:raises RequestDataTooBig: the stated length is over the limit; without a length nothing is read at all"""
        if content_length > MAX_REQUEST_BYTES:
            raise RequestDataTooBig("The request is larger than any import.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """:raises StopUpload: nobody is signed in; the form ends there, and its page says so"""
        if self.request is None or not self.request.user.is_authenticated:
            raise StopUpload(connection_reset=True)
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Leave it to the next handler."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave it to the next handler."""


@dataclass(frozen=True)
class Packed:
    """A file as it will be stored: compressed pieces, each with its length before; they are read once."""

    pieces: Iterator[tuple[bytes, int]]


@contextmanager
def packed(stream: IO[bytes]) -> Iterator[Packed]:
    """Compress a file for `stage_upload`, on SQLite beforehand: whoever stores it there keeps all others waiting.

    :raises UploadTooLarge: more than 512 MiB; on PostgreSQL only as it is stored
    """
    pieces = _compressed(stream)
    if connection.vendor != "sqlite":
        yield Packed(pieces)
        return
    with TemporaryFile() as file:
        lengths = [(file.write(body), size) for body, size in pieces]
        file.seek(0)
        yield Packed((file.read(length), size) for length, size in lengths)


def _compressed(stream: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    total = 0
    for piece in iter(lambda: stream.read(PIECE_BYTES), b""):
        total += len(piece)
        if total > MAX_BYTES:
            raise UploadTooLarge
        yield zstandard.compress(piece), len(piece)


def stage_upload(
    *,
    enterprise: Enterprise,
    purpose: str,
    stream: IO[bytes] | Packed,
    name: str,
    by: User,
    at: datetime,
) -> StagedUpload:
    """Store a file for an hour; an earlier one of the same person for the same purpose makes room.

    Whoever is in a transaction of their own packs the file before it begins.

    :raises UploadTooLarge: more than 512 MiB; nothing is kept then.
    """
    if not isinstance(stream, Packed):
        with packed(stream) as pieces:
            return stage_upload(enterprise=enterprise, purpose=purpose, stream=pieces, name=name, by=by, at=at)
    with transaction.atomic():
        upload = StagedUpload.objects.create(
            enterprise=enterprise,
            purpose=purpose,
            by=by,
            name=name[:255],
            size=0,
            created_at=at,
            expires_at=at + KEPT_FOR,
        )
        for number, (body, size) in enumerate(stream.pieces, start=1):
            upload.size += size
            StagedUploadPiece.objects.create(upload=upload, number=number, body=body)
        upload.save(update_fields=["size"])
        # Held only now, so that nobody waits for a file that comes in: of several, the last one to get here stays.
        Enterprise.objects.select_for_update(no_key=True).get(pk=enterprise.pk)
        StagedUpload.objects.filter(enterprise=enterprise, purpose=purpose, by=by).exclude(pk=upload.pk).delete()
    return upload


def staged_upload(*, enterprise: Enterprise, purpose: str, by: User, pk: int, at: datetime) -> StagedUpload | None:
    """The person's own waiting file; None when it has expired or been applied."""
    return StagedUpload.objects.filter(enterprise=enterprise, purpose=purpose, by=by, pk=pk, expires_at__gt=at).first()


def keep_review(upload: StagedUpload, review: dict[str, Any]) -> None:
    """Keep what reading the file has shown, for as long as the file itself."""
    upload.review = review
    # Not saved: another file of the same person may have taken its place.
    StagedUpload.objects.filter(pk=upload.pk).update(review=review)


def open_upload(upload: StagedUpload) -> io.BufferedReader:
    """Return a stream over the file's bytes; one piece is in memory at a time.

    Reading raises Http404 where the file is not whole any more: it was applied, replaced or thrown away meanwhile.
    """
    raw = cast("io.RawIOBase", _Pieces(upload))
    return io.BufferedReader(raw)


def discard_upload(upload: StagedUpload) -> None:
    upload.delete()


class _Pieces(io.RawIOBase):
    def __init__(self, upload: StagedUpload) -> None:
        self._pieces = self._read_pieces(upload)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(target), len(self._rest))
        target[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    @staticmethod
    def _read_pieces(upload: StagedUpload) -> Iterator[bytes]:
        size = 0
        for number in count(1):
            body = upload.pieces.filter(number=number).values_list("body", flat=True).first()
            if body is None:
                break
            piece = zstandard.decompress(bytes(body), max_output_size=PIECE_BYTES)
            size += len(piece)
            yield piece
        if size != upload.size:
            raise Http404
