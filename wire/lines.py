"""The canonical line of an account: the only form in which people's data travels or is hashed."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Annotated

import msgspec

from wire.addresses import MAX_ADDRESS_LENGTH, has_refused_characters, normalize

MAX_USER_ID = 2**53 - 1
MAX_ADDRESSES = 100


class LineInvalid(ValueError):
    """A received line is not a canonical line."""


class TooManyAddresses(ValueError):
    """An account lists more addresses than travel."""


_Address = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ADDRESS_LENGTH)]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One account: its id on the server, and ``[address, is_primary]`` pairs, the primary first."""

    user_id: int
    emails: tuple[tuple[_Address, bool], ...]

    @property
    def primary(self) -> str | None:
        """The primary address, as the server wrote it."""
        return self.emails[0][0] if self.emails and self.emails[0][1] else None

    @property
    def others(self) -> tuple[str, ...]:
        """Every address but the primary one."""
        return tuple(address for address, is_primary in self.emails if not is_primary)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def make_line(user_id: int, primary: str | None, others: Iterable[str] = ()) -> bytes:
    """Return the canonical line (UTF-8 JSON, no line feed) of an account.

    Addresses are normalized here; duplicates are dropped, the primary wins.

    :raises wire.addresses.AddressInvalid: an address that can be none.
    :raises TooManyAddresses: more than 100 different addresses.
    """
    first = normalize(primary) if primary is not None else None
    rest = sorted({address for text in others if (address := normalize(text))} - {first})
    emails = (*([(first, True)] if first else []), *((address, False) for address in rest))
    if len(emails) > MAX_ADDRESSES:
        raise TooManyAddresses(f"an account has at most {MAX_ADDRESSES} addresses")
    return _encoder.encode(Line(user_id, emails))


def read_line(raw: bytes) -> Line:
    """Read one received line strictly: no unknown key, no second spelling of the same content.

    :raises LineInvalid: with a sentence that never quotes the line, since it holds addresses.
    """
    try:
        line = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise LineInvalid("not a canonical line") from error
    if not 1 <= line.user_id <= MAX_USER_ID:
        raise LineInvalid("user_id is out of range")
    if len(line.emails) > MAX_ADDRESSES:
        raise LineInvalid(f"more than {MAX_ADDRESSES} addresses")
    if len(line.emails) > 1:
        _check_order(line)
    # JSON escapes every control character that databases stumble over, so a backslash tells.
    if b"\\" in raw and any(has_refused_characters(address) for address, _ in line.emails):
        raise LineInvalid("an address holds control characters")
    if _encoder.encode(line) != raw:
        raise LineInvalid("not in canonical form")
    return line


def _check_order(line: Line) -> None:
    (first, first_is_primary), *rest = line.emails
    previous = "" if first_is_primary else first
    for address, is_primary in rest:
        if is_primary:
            raise LineInvalid("the primary address is not the first, or there are two")
        if address <= previous or (first_is_primary and address == first):
            raise LineInvalid("the addresses are not in order, or one stands twice")
        previous = address


def read_lines(data: bytes) -> Iterator[tuple[bytes, Line]]:
    """Yield every LF-terminated line of a part, raw (without LF) and read.

    :raises LineInvalid: also where the last line has no LF.
    """
    if data and not data.endswith(b"\n"):
        raise LineInvalid("the last line is cut off")
    for raw in data.split(b"\n")[:-1]:
        yield raw, read_line(raw)


class SnapshotDigest:
    """SHA-256 over canonical lines in user_id order, each followed by LF."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, lines: bytes) -> None:
        """Add one or more whole lines, LF included."""
        self._hash.update(lines)

    def hexdigest(self) -> str:
        """Return the digest as 64 lower-case hexadecimal digits."""
        return self._hash.hexdigest()
