"""Read a seats file, GHES's report or NDJSON, line by line and with a reason for every line that is no good."""

import csv
import itertools
import re
from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Protocol

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from enterprises.json_lines import why_not
from licensesync.seats.rows import RowInvalid, SeatRow, SeatsInvalid, make_row

MAX_LINE = 256 * 1024
MAX_FIELDS = 200
# No cloud takes a snapshot of more.
MAX_SEATS = 10_000_000
_CHUNK = 256 * 1024
_MOST_SHOWN = 200
_BOM = b"\xef\xbb\xbf"
_NEEDED = ("id", "login", "email")
_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", ""), False),
}
_NO_TIME = frozenset({"", "-", "never", "null", "none"})
_ZONE = re.compile(r"\s*(UTC|GMT|Z|[+-]\d\d:?\d\d)\Z")
_DIGITS = re.compile(r"[0-9]{1,16}")


class Stream(Protocol):
    """Anything that hands out bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""


class _Email(msgspec.Struct, frozen=True):
    email: str
    primary: bool = False


class _Account(msgspec.Struct, frozen=True):
    """One line of NDJSON; unknown keys are ignored."""

    id: int
    login: str
    emails: tuple[_Email, ...]
    type: str = "User"
    role: str | None = None
    suspended: bool = False
    dormant: bool = False
    created_at: datetime | None = None
    last_active: datetime | None = None


_decoder = msgspec.json.Decoder(_Account)


def read_seats(stream: Stream, file_format: str | None = None) -> Iterator[SeatRow]:
    """Yield every account of a file; the format is seen from its first character unless given.

    :raises SeatsInvalid: at the first line that is no good
    """
    lines = _text_lines(stream)
    first = next(((number, text) for number, text in lines if text.strip()), None)
    if first is None:
        raise SeatsInvalid(0, _("The file is empty."))
    lines = itertools.chain([first], lines)
    is_ndjson = file_format == "ndjson" if file_format else first[1].lstrip().startswith("{")
    return _bounded(_read_ndjson(lines) if is_ndjson else _read_csv(lines))


def _bounded(rows: Iterator[SeatRow]) -> Iterator[SeatRow]:
    for count, row in enumerate(rows, start=1):
        if count > MAX_SEATS:
            raise SeatsInvalid(row.number, _("the file lists more than %(most)d accounts") % {"most": MAX_SEATS})
        yield row


def _raw_lines(stream: Stream) -> Iterator[bytes]:
    """Yield lines without their end; never holds more than a chunk and the longest line allowed."""
    rest = b""
    number = 0
    while chunk := stream.read(_CHUNK):
        whole = (rest + chunk).split(b"\n")
        rest = whole.pop()
        number += len(whole)
        yield from whole
        if len(rest) > MAX_LINE:
            raise SeatsInvalid(number + 1, _("the line is longer than 256 KiB"))
    if rest:
        yield rest


def _text_lines(stream: Stream) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(_raw_lines(stream), start=1):
        if len(raw) > MAX_LINE:
            raise SeatsInvalid(number, _("the line is longer than 256 KiB"))
        if b"\0" in raw:
            raise SeatsInvalid(number, _("the line has a NUL character; save the file as UTF-8"))
        try:
            text = (raw.removeprefix(_BOM) if number == 1 else raw).decode()
        except UnicodeDecodeError as error:
            raise SeatsInvalid(number, _("the line is not UTF-8")) from error
        yield number, text.removesuffix("\r")


def _read_ndjson(lines: Iterator[tuple[int, str]]) -> Iterator[SeatRow]:
    for number, text in lines:
        if not text.strip():
            continue
        try:
            account = _decoder.decode(text)
            yield _ndjson_row(number, account)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise SeatsInvalid(number, why_not(error)) from error
        except RowInvalid as error:
            raise SeatsInvalid(number, str(error)) from error


def _ndjson_row(number: int, account: _Account) -> SeatRow:
    primaries = [email.email for email in account.emails if email.primary]
    if len(primaries) > 1:
        raise RowInvalid(_("an account has at most one primary email address"))
    return make_row(
        number,
        user_id=account.id,
        login=account.login,
        kind=account.type,
        role=account.role or "",
        is_suspended=account.suspended,
        is_dormant=account.dormant,
        created_at=_in_utc(account.created_at),
        last_active_at=_in_utc(account.last_active),
        primary=primaries[0] if primaries else None,
        others=[email.email for email in account.emails if not email.primary],
    )


def _read_csv(lines: Iterator[tuple[int, str]]) -> Iterator[SeatRow]:
    numbers = _Numbered(lines)
    reader = csv.reader(numbers, strict=True)
    columns: dict[str, int] | None = None
    while True:
        numbers.begin_record()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise SeatsInvalid(numbers.started_at, _("not CSV: %(problem)s") % {"problem": error}) from error
        if cells is None:
            return
        if not any(cells):
            continue
        if columns is None:
            columns = _columns(cells, numbers.started_at)
            width = len(cells)
            continue
        yield _csv_row(cells, columns, width, numbers.started_at)


class _Numbered:
    """Feeds the CSV reader and remembers on which line its record began."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._lines = lines
        self._fresh = True
        self.started_at = 1

    def begin_record(self) -> None:
        self._fresh = True

    def __iter__(self) -> "_Numbered":
        return self

    def __next__(self) -> str:
        number, text = next(self._lines)
        if self._fresh:
            self._fresh, self.started_at = False, number
        elif number - self.started_at > 1:
            raise SeatsInvalid(self.started_at, _("a quotation mark is not closed"))
        return f"{text}\n"


def _columns(header: list[str], number: int) -> dict[str, int]:
    if len(header) > MAX_FIELDS:
        raise SeatsInvalid(number, _("the header has more than %(fields)d columns") % {"fields": MAX_FIELDS})
    names = [cell.strip().lower() for cell in header]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        lack = ngettext("the header lacks the column %(names)s", "the header lacks the columns %(names)s", len(missing))
        raise SeatsInvalid(number, lack % {"names": ", ".join(missing)})
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        # These are the file's own words, and may be of any length or form.
        shown = "".join(each if each.isprintable() else " " for each in ", ".join(twice)[:_MOST_SHOWN])
        raise SeatsInvalid(number, _("the header has a column twice: %(names)s") % {"names": shown})
    return {name: index for index, name in enumerate(names)}


def _csv_row(cells: list[str], columns: dict[str, int], width: int, number: int) -> SeatRow:
    if len(cells) != width:
        reason = _("%(found)d fields where the header has %(expected)d") % {"found": len(cells), "expected": width}
        raise SeatsInvalid(number, reason)

    def cell(name: str) -> str:
        index = columns.get(name)
        return "" if index is None else cells[index].strip()

    try:
        user_id = cell("id")
        return make_row(
            number,
            user_id=int(user_id) if _DIGITS.fullmatch(user_id) else 0,
            login=cell("login"),
            role=cell("role"),
            is_suspended=_truth("suspended?", cell("suspended?")),
            is_dormant=_truth("dormant?", cell("dormant?")),
            created_at=_time("created_at", cell("created_at")),
            last_active_at=_time("last_active", cell("last_active")),
            primary=cell("email") or None,
        )
    except RowInvalid as error:
        raise SeatsInvalid(number, str(error)) from error


def _truth(name: str, text: str) -> bool:
    value = _WORDS.get(text.lower())
    if value is None:
        raise RowInvalid(_("%(name)s is neither true nor false") % {"name": name})
    return value


def _time(name: str, text: str) -> datetime | None:
    if text.lower() in _NO_TIME:
        return None
    try:
        return _in_utc(datetime.fromisoformat(_ZONE.sub(_iso_zone, text)))
    except ValueError as error:
        raise RowInvalid(_("%(name)s is not a date and time") % {"name": name}) from error


def _iso_zone(found: re.Match[str]) -> str:
    return found[1] if found[1][0] in "+-" else "+00:00"


def _in_utc(moment: datetime | None) -> datetime | None:
    """Both databases store UTC; a time without a zone is taken as UTC, as GHES writes it.

    A time in the first or last year of the calendar is what programs write for none; not every zone could show it.
    """
    if moment is None:
        return None
    try:
        in_utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise RowInvalid(_("a date lies outside the calendar")) from error
    return in_utc if MINYEAR < in_utc.year < MAXYEAR else None
