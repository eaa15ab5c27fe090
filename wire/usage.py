"""The usage file: what a server would sync, as one signed file for servers that no line leads to.

The first line is ``{"header":{...},"signature":"...","people":[``, then comes a canonical line per account in the order
of their ids, a comma after each but the last, then ``]}``. So the whole is JSON, and both ends read and write it line
by line. Whoever reads it trusts only the header inside the signature, whose ``sha256`` is that of the lines, each with
its line feed.
"""

from collections.abc import Iterable, Iterator

import msgspec

from wire.messages import FORMAT, Base, Feature, Instant

_LAST_LINE = b"]}\n"


class UsageHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of its server and of its lines.

    ``license`` is the SHA-256 of the license's fields, ``public_key`` the license's own (empty: not known),
    ``server_key`` the Ed25519 key that signed. ``base`` and ``unanswered`` are as in `OpenSync`.
    """

    format: int = FORMAT
    server_id: str
    host_name: str
    http_only: bool
    version: str
    license: str
    public_key: str
    server_key: str
    features: tuple[Feature, ...]
    generated_at: Instant
    taken_at: Instant
    snapshot_id: str
    base: Base | None
    unanswered: tuple[str, ...]
    accounts: int
    sha256: str


def usage_lines(header: UsageHeader, signature: str, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the file. ``lines`` are canonical lines, each with its LF, one or some at a time."""
    yield _first_line(header, signature)
    between = b""
    for some in lines:
        yield between + some[:-1].replace(b"\n", b",\n")
        between = b",\n"
    yield (b"\n" if between else b"") + _LAST_LINE


def usage_size(header: UsageHeader, signature: str, size: int) -> int:
    """Return how many bytes the file has; ``size`` is that of all its lines, each with its LF."""
    commas = max(0, header.accounts - 1)
    return len(_first_line(header, signature)) + size + commas + len(_LAST_LINE)


def _first_line(header: UsageHeader, signature: str) -> bytes:
    return b'{"header":%s,"signature":"%s","people":[\n' % (msgspec.json.encode(header), signature.encode())
