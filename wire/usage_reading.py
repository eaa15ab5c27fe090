"""Read a usage file line by line: its signed header first, then its accounts, in bounded memory.

Whatever is wrong has an exception of its own, so that people are told what to do about it. Nothing of a line is ever
quoted. docs/wire.md, "The usage file".
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from wire import signing
from wire.addresses import AddressInvalid, normalize
from wire.lines import MAX_ADDRESSES, LineInvalid, SnapshotDigest, read_line
from wire.messages import FORMATS, MessageInvalid, read_message
from wire.parts import MAX_PART_LINES
from wire.usage import UsageHeader

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_LINE_BYTES: Final = 100 + MAX_ADDRESSES * (6 * 320 + 20)
"""Of one account: what its addresses may take, every character escaped."""
MAX_PIECE_BYTES: Final = 8 * 1024 * 1024

_HEAD = re.compile(rb'\{"header":(\{.*\}),"signature":"([A-Za-z0-9_.-]*)","people":\[\n', re.DOTALL)
_NAMES: Final = (b'"header"', b'"signature"', b'"people"')
_GHES_NAMES: Final = (b'"server_id"', b'"host_name"')
_OUR_NAMES: Final = (b'"jws"', b'"statement"')
"""Those of receipts and statements, which name servers, too."""
_ARCHIVES: Final = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"7z\xbc\xaf",
    b"(\xb5/\xfd",
    b"Rar!",
)
_PGP: Final = (b"-----BEGIN PGP", b"\x84", b"\x85", b"\x86", b"\xc1", b"\xd2")
_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_END: Final = b"]}\n"


class Readable(Protocol):
    """A stream of bytes that gives lines."""

    def readline(self, size: int = -1, /) -> bytes:
        """Return the next line with its line feed, or as much of it as ``size`` allows."""


class UsageFileInvalid(ValueError):
    """The file is not what a server wrote."""


class Empty(UsageFileInvalid):
    """Nothing is in it."""


class NotJson(UsageFileInvalid):
    """Some other file: a picture, a table, a text."""


class OtherShape(UsageFileInvalid):
    """JSON, but no usage file; or a header that no server writes."""


class ZipFile(UsageFileInvalid):
    """An archive or a packed file."""


class GhesExport(UsageFileInvalid):
    """The export of a GitHub Enterprise Server itself: encrypted for GitHub, and unreadable here."""


class NewerFormat(UsageFileInvalid):
    """Written by a newer server, in a format that this code does not speak."""


class BadSignature(UsageFileInvalid):
    """The header is not signed by the key that it names."""


class Truncated(UsageFileInvalid):
    """The file ends before its end."""


class Edited(UsageFileInvalid):
    """What is in the file is not what the server signed."""


class Rewritten(Edited):
    """An editor or a mail gateway wrote the same in other bytes: line ends, a mark at the start, another layout."""


class Head(msgspec.Struct, frozen=True):
    """The first line of a file: the header as it was signed, and the signature."""

    header: UsageHeader
    signature: str


@dataclass(frozen=True)
class Piece:
    """Some accounts of a file: their canonical lines, each with its LF, and what is remembered of them."""

    data: bytes
    lines: int
    first_user_id: int
    last_user_id: int


class _Format(msgspec.Struct, frozen=True):
    format: int


def read_head(stream: Readable) -> Head:
    """Return the header of a file, as its signature says it; its lines follow in the stream.

    The key is the one that the header names: whether it is the right one is for the caller to compare.

    :raises UsageFileInvalid: the one that says what is wrong
    """
    line = stream.readline(MAX_HEAD_BYTES)
    found = _HEAD.fullmatch(line)
    if not found:
        raise _what_else(line, stream)
    plain, signature = found[1], found[2].decode()
    signed = _payload(signature)
    try:
        header = read_message(signed, UsageHeader)
        key = signing.read_public_key(header.server_key)
    except (MessageInvalid, signing.KeyInvalid) as error:
        raise BadSignature("the signed header cannot be read") from error
    try:
        signing.verify(signature, UsageHeader, typ=signing.USAGE, key=key)
    except (signing.SignatureInvalid, RecursionError, OverflowError) as error:
        raise BadSignature("the header is not signed by its key") from error
    if plain != signed:
        raise Edited("the header in plain is not the signed one")
    return Head(header, signature)


def read_pieces(stream: Readable, header: UsageHeader) -> Iterator[Piece]:
    """Yield the accounts behind the head, one piece in memory at a time, each line checked as on the wire.

    What is wrong with the whole shows at its end: whoever keeps a piece throws it away where this raises.

    :raises UsageFileInvalid: cut off, edited, or behind its end goes on
    """
    digest = SnapshotDigest()
    accounts = last_user_id = 0
    for data, first, last, number in _collected(stream):
        if first <= last_user_id:
            raise Edited("the accounts are not in order")
        last_user_id = last
        accounts += number
        if accounts > header.accounts:
            raise Edited("more accounts than were signed")
        digest.add(data)
        yield Piece(data, number, first, last)
    if stream.readline(1):
        raise Edited("something follows the end")
    if accounts != header.accounts or digest.hexdigest() != header.sha256:
        raise Edited("the accounts are not those that were signed")


def _collected(stream: Readable) -> Iterator[tuple[bytes, int, int, int]]:
    lines: list[bytes] = []
    size = first = last = 0
    for raw, user_id in _accounts(stream):
        if lines and (len(lines) >= MAX_PART_LINES or size + len(raw) > MAX_PIECE_BYTES):
            yield b"".join(lines), first, last, len(lines)
            lines, size = [], 0
        if not lines:
            first = user_id
        elif user_id <= last:
            raise Edited("the accounts are not in order")
        last = user_id
        lines.append(raw)
        size += len(raw)
    if lines:
        yield b"".join(lines), first, last, len(lines)


def _accounts(stream: Readable) -> Iterator[tuple[bytes, int]]:
    """Yield each line with its LF, up to the end of the list; a comma stands behind each but the last."""
    is_first, has_comma = True, False
    while (line := stream.readline(MAX_LINE_BYTES)) != _END:
        if not line.endswith(b"\n"):
            raise Edited("a line is too long") if len(line) >= MAX_LINE_BYTES else Truncated("it ends within a line")
        if line.endswith(b"\r\n"):
            raise Rewritten("other line ends")
        if not (is_first or has_comma):
            raise Edited("no comma between two accounts")
        is_first, has_comma = False, line.endswith(b",\n")
        raw = line[:-2] if has_comma else line[:-1]
        try:
            account = read_line(raw)
            for address, _is_primary in account.emails:
                normalize(address)
        except (LineInvalid, AddressInvalid, RecursionError) as error:
            raise Edited("not the line of an account") from error
        yield raw + b"\n", account.user_id
    if has_comma:
        raise Edited("a comma behind the last account")


def _payload(signature: str) -> bytes:
    """Return what a compact JWS says, before anything about it is trusted.

    :raises NewerFormat: in a format that is not spoken here
    :raises BadSignature: it is no JWS
    """
    try:
        _protected, payload, _signature = signature.split(".")
        signed = base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True)
        number = read_message(signed, _Format).format
    except (ValueError, binascii.Error) as error:
        raise BadSignature("the signature is no JWS") from error
    if number > max(FORMATS):
        raise NewerFormat("a newer format")
    if number not in FORMATS:
        raise OtherShape("no format that ever was")
    return signed


def _what_else(line: bytes, stream: Readable) -> UsageFileInvalid:
    """Say what a file is whose first line is not that of a usage file."""
    if not line.strip():
        return Empty("nothing is in it") if not (line and stream.readline(MAX_HEAD_BYTES)) else NotJson("no JSON")
    if line.startswith(_ARCHIVES):
        return ZipFile("an archive")
    if line.startswith(_PGP):
        return GhesExport("encrypted")
    has_mark = line.startswith(_MARKS)
    if has_mark and line[:2] in _MARKS:
        line = line.replace(b"\0", b"")
    start = line + _more(stream, MAX_HEAD_BYTES - len(line))
    text = start.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if not text.startswith((b"{", b"[")):
        return NotJson("no JSON")
    if _NAMES[0] in text[:200].replace(b" ", b""):
        return _bent_head(line, text, has_mark=has_mark)
    if any(name in text for name in _GHES_NAMES) and not any(name in text for name in _OUR_NAMES):
        return GhesExport("an export for GitHub")
    is_whole = len(start) < MAX_HEAD_BYTES
    return NotJson("damaged JSON") if is_whole and not _is_json(text) else OtherShape("another JSON file")


def _bent_head(line: bytes, text: bytes, *, has_mark: bool) -> UsageFileInvalid:
    if line.endswith(b"\n") or len(line) >= MAX_HEAD_BYTES:
        is_all_there = all(name in text for name in _NAMES)
        if has_mark or line.endswith(b"\r\n") or is_all_there:
            is_same = has_mark or line.endswith(b"\r\n") or not line.startswith(b'{"header":{')
            return Rewritten("other bytes") if is_same else Edited("another first line")
        return Edited("another first line") if len(line) >= MAX_HEAD_BYTES else OtherShape("another JSON file")
    return Rewritten("on one line") if _is_json(text) else Truncated("it ends within the header")


def _more(stream: Readable, size: int) -> bytes:
    found = b""
    while len(found) < size and (line := stream.readline(size - len(found))):
        found += line
    return found


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def digest_of(header: UsageHeader) -> str:
    """Return what tells one header from another."""
    return hashlib.sha256(msgspec.json.encode(header)).hexdigest()
