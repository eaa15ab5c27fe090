"""The statement of a cloud account: its numbers over a month or as of a moment, signed, for others to check.

The file holds the statement for people to read, the same as a compact JWS, and the cloud's receipt keys up to the one
that signed, the oldest first: all but the first come with the word of the one before. It holds numbers, servers and
their receipts, nothing about people. docs/verify_statement.py checks it with nothing else at hand.
"""

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

import msgspec

from wire.messages import Account, EndorsedKey, Instant

STATEMENT_FORMAT: Final = 1


class StatedDay(msgspec.Struct, frozen=True, kw_only=True):
    """A day (UTC) on which the licenses were counted: the last count, the highest, and what they compare with."""

    day: date
    consumed: int
    peak: int
    counted_apart: int
    purchased: int


class StatedEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The count at the end of a month, last counted on ``counted_on``; ``peak`` is the highest of the month."""

    counted_on: date
    purchased: int
    consumed: int
    available: int
    counted_apart: int
    saved: int
    peak: int


class StatedServer(msgspec.Struct, frozen=True, kw_only=True):
    """What is held of a server, and the receipt (compact JWS) that its owner was given for it.

    ``channel`` is how it came, wire or file; ``added_licenses`` are those that only this server adds. Before its first
    snapshot ``revision`` and ``accounts`` are 0, and what would tell of the snapshot is empty.
    """

    hostname: str
    server_id: str
    state: str
    channel: str
    revision: int
    snapshot_id: str
    accounts: int
    taken_at: Instant | None
    synced_at: Instant | None
    sha256: str
    added_licenses: int
    receipt: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed: ``month_end`` is what a month is stated for, all other numbers are as of ``made_at``.

    ``month`` is YYYY-MM, empty where somebody asked for the numbers of a moment: then there is no ``month_end``.
    ``first_day`` to ``last_day`` is the period; ``days`` are those of it on which something was counted, ``before`` is
    the last one before it. Servers, and whatever is not said of the end, are as of ``made_at``, at ``revision`` of the
    books: where a month is stated late, or the books changed at once, these are not those of its end. ``rules`` is the
    version of the rules in docs/domain.md. ``available`` is below zero where more is consumed than was purchased.
    """

    format: int = STATEMENT_FORMAT
    kind: Literal["month", "moment"]
    account: Account
    month: str
    first_day: date
    last_day: date
    month_end: StatedEnd | None = None
    made_at: Instant
    revision: int
    rules: int
    purchased: int
    consumed: int
    available: int
    cloud_licenses: int
    server_accounts: int
    counted_apart: int
    saved: int
    listed: int
    members: int
    members_imported_at: Instant | None
    before: StatedDay | None = None
    days: tuple[StatedDay, ...]
    servers: tuple[StatedServer, ...]


class StatementFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file; ``statement`` repeats what ``jws`` signs."""

    format: int = STATEMENT_FORMAT
    statement: msgspec.Raw
    jws: str
    keys: tuple[EndorsedKey, ...]


def statement_file(*, body: bytes, jws: str, keys: Iterable[EndorsedKey]) -> bytes:
    """Return the file as JSON, indented for people; ``body`` is the JSON that was signed."""
    file = StatementFile(statement=msgspec.Raw(body), jws=jws, keys=tuple(keys))
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"
