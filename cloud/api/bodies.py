"""Read request bodies within their limits, and write answers."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, cast

import msgspec
from django.http import HttpRequest, HttpResponse

from cloud.api.errors import Malformed, Refused
from enterprises.api import JSON
from wire.messages import ErrorCode, MessageT

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_MESSAGE_BYTES = 256 * 1024
_LENGTH = re.compile(r"\A[0-9]{1,18}\Z")
_ESCAPED_NUL = b"\\u0000"


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The whole body; one that is too large is refused before anything of it is read.

    :raises Refused: over the limit, without a length, or cut off
    """
    return open_body(request, limit).read()


def open_body(request: HttpRequest, limit: int) -> io.BufferedReader:
    """A body that is read piece by piece, never whole.

    :raises Refused: over the limit or without a length, before anything is read; cut off, where reading comes to it
    """
    raw = cast("io.RawIOBase", _Body(request, _stated_length(request, limit)))
    return io.BufferedReader(raw)


class _Body(io.RawIOBase):
    def __init__(self, request: HttpRequest, length: int) -> None:
        self._request = request
        self._missing = length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        target = memoryview(buffer).cast("B")
        wanted = min(len(target), self._missing)
        piece = self._request.read(wanted) if wanted else b""
        if wanted and not piece:
            raise Malformed("The request was cut off.")
        target[: len(piece)] = piece
        self._missing -= len(piece)
        return len(piece)


def _stated_length(request: HttpRequest, limit: int) -> int:
    stated = str(request.META.get("CONTENT_LENGTH") or "")
    if not stated and request.headers.get("Transfer-Encoding"):
        raise Refused(ErrorCode.INVALID_REQUEST, "Content-Length is required.", status=411)
    if stated and not _LENGTH.match(stated):
        raise Malformed("Content-Length is malformed.")
    length = int(stated or 0)
    if length > limit:
        raise Refused(ErrorCode.PAYLOAD_TOO_LARGE, f"At most {limit} bytes are accepted here.")
    return length


def read_message(request: HttpRequest, kind: type[MessageT], limit: int = MAX_MESSAGE_BYTES) -> MessageT:
    """A control message; fields that this version does not know are ignored.

    :raises Refused: too large (413), no JSON (400), or not of this shape (422)
    """
    body = read_body(request, limit)
    if _ESCAPED_NUL in body:
        # PostgreSQL stores no NUL, and no field of ours has a use for one.
        raise Refused(ErrorCode.INVALID_REQUEST, "Validation Failed: a text holds a NUL character.")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Refused(ErrorCode.INVALID_REQUEST, f"Validation Failed: {error}") from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed from error


def answer(payload: Any, status: int = 200) -> HttpResponse:
    """A JSON answer that no cache keeps."""
    response = HttpResponse(msgspec.json.encode(payload), content_type=JSON, status=status)
    response["Cache-Control"] = "no-store"
    return response


def no_content() -> HttpResponse:
    """Done, and nothing to say."""
    return HttpResponse(status=204)
