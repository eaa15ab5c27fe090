"""Read request bodies within their limits, and write answers."""

import re
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from cloud.api.errors import Malformed, Refused
from enterprises.api import JSON
from wire.messages import ErrorCode, MessageT

MAX_MESSAGE_BYTES = 256 * 1024
_LENGTH = re.compile(r"\A[0-9]{1,18}\Z")
_ESCAPED_NUL = b"\\u0000"


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The whole body; one that is too large is refused before anything of it is read.

    :raises Refused: over the limit, without a length, or cut off
    """
    stated = str(request.META.get("CONTENT_LENGTH") or "")
    if not stated and request.headers.get("Transfer-Encoding"):
        raise Refused(ErrorCode.INVALID_REQUEST, "Content-Length is required.", status=411)
    if stated and not _LENGTH.match(stated):
        raise Malformed("Content-Length is malformed.")
    length = int(stated or 0)
    if length > limit:
        raise Refused(ErrorCode.PAYLOAD_TOO_LARGE, f"At most {limit} bytes are accepted here.")
    body = request.read(length) if length else b""
    if len(body) != length:
        raise Malformed("The request was cut off.")
    return body


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
