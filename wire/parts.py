"""Pack canonical lines into parts for the wire, and open received parts safely."""

import base64
import hashlib
import hmac
import re

import zstandard

MAX_PART_LINES = 10_000
MAX_PART_BYTES = 16 * 1024 * 1024
_MAX_WINDOW = 8 * 1024 * 1024
_SHA256_FIELD = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)")


class PartInvalid(ValueError):
    """The bytes are not one whole zstd frame that states its size."""


class PartTooLarge(PartInvalid):
    """Packed or unpacked, the part is over 16 MiB."""


def pack(lines: bytes) -> bytes:
    """Return ``lines`` as one zstd frame that states its size."""
    return zstandard.ZstdCompressor(level=3, write_content_size=True).compress(lines)


def unpack(body: bytes) -> bytes:
    """Return the lines of a received part; never allocates more than 16 MiB.

    :raises PartTooLarge: packed or stated size over the limit.
    :raises PartInvalid: truncated, empty, trailing bytes, no stated size, not zstd.
    """
    if len(body) > MAX_PART_BYTES:
        raise PartTooLarge("a part has at most 16 MiB packed")
    try:
        size = zstandard.frame_content_size(body)
    except zstandard.ZstdError as error:
        raise PartInvalid("a part is one zstd frame") from error
    if size < 0:
        raise PartInvalid("the zstd frame does not state its size")
    if size == 0:
        # The decompressor would not look at what follows an empty frame.
        raise PartInvalid("a part holds at least one line")
    if size > MAX_PART_BYTES:
        raise PartTooLarge("a part has at most 16 MiB unpacked")
    try:
        lines = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompress(body, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise PartInvalid("the zstd frame is damaged") from error
    if len(lines) != size:
        raise PartInvalid("the zstd frame does not hold what it states")
    return lines


def content_digest(body: bytes) -> str:
    """Return the Content-Digest field (RFC 9530) of ``body``."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def has_content_digest(field: str, body: bytes) -> bool:
    """Whether a received Content-Digest field names the SHA-256 of ``body``."""
    found = _SHA256_FIELD.search(field)
    return found is not None and hmac.compare_digest(content_digest(body), f"sha-256=:{found[1]}:")
