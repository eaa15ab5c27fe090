"""Freeze a server's license-consuming seats into parts, and show people exactly what travels."""

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from connect.models import Server
from licensesync.locks import hold
from licensesync.models import Seat, SeatSource, SyncJob, SyncPart
from licensesync.searching import Wanted
from licensesync.users.exclusions import not_suspendable
from wire.lines import SnapshotDigest, read_line
from wire.parts import MAX_PART_LINES, pack, unpack

MAX_RAW_BYTES: Final = 8 * 1024 * 1024
"""Parts are cut well below the 16 MiB that the wire allows, also where people have a hundred addresses."""

PAGE_LINES: Final = 50
_CURSOR_ROWS: Final = 2_000


class NoSeats(Exception):
    """No seats were ever imported: an empty snapshot would remove everybody."""

    code = "no_seats"
    sentence = _("No seats have been imported yet, so there is nothing to sync.")


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """What was stored in parts."""

    accounts: int
    parts: int
    size: int
    sha256: str
    taken_at: datetime
    omitted: int


@dataclass(frozen=True, kw_only=True)
class LinesPage:
    """A page of canonical lines, as bytes decoded and nothing else changed."""

    lines: tuple[str, ...]
    page: int
    pages: int
    found: int
    accounts: int


def consuming(server: Server) -> QuerySet[Seat]:
    """The seats whose lines travel, in the order in which they do."""
    return Seat.objects.filter(server=server, is_license_consuming=True).order_by("user_id")


def freeze(job_id: int, server: Server, omits: str = "") -> Frozen:
    """Store a server's lines as parts of a job, within the caller's transaction, in bounded memory.

    ``omits`` says whose lines are left out, see `SyncJob.Omits`.

    The server is held, so that no import comes between the time of the list and its lines.

    :raises NoSeats: there never was an import
    """
    hold(server)
    taken_at = SeatSource.objects.filter(server=server).values_list("taken_at", flat=True).first()
    if taken_at is None:
        raise NoSeats
    SyncPart.objects.filter(job_id=job_id).delete()
    digest = SnapshotDigest()
    accounts = size = number = 0
    every = consuming(server)
    sent = not_suspendable(every) if omits == SyncJob.Omits.DORMANT else every
    for number, lines in enumerate(_chunks(sent), start=1):
        raw = b"".join(lines)
        digest.add(raw)
        accounts += len(lines)
        size += len(raw)
        SyncPart.objects.create(job_id=job_id, number=number, lines=len(lines), body=pack(raw))
    return Frozen(
        accounts=accounts,
        parts=number,
        size=size,
        sha256=digest.hexdigest(),
        taken_at=taken_at,
        omitted=every.count() - accounts if omits else 0,
    )


def next_lines(server: Server, *, after: int) -> list[bytes]:
    """Return as many lines as a part holds, LF included, of the accounts whose ids are higher; empty at the end."""
    with closing(_chunks(consuming(server).filter(user_id__gt=after)[:MAX_PART_LINES])) as chunks:
        return next(chunks, [])


def user_id_of(line: bytes) -> int:
    """Return whose line it is."""
    return read_line(line.removesuffix(b"\n")).user_id


def _chunks(seats: QuerySet[Seat]) -> Generator[list[bytes]]:
    """Yield whole parts of lines, LF included: at most 10,000 lines and 8 MiB each."""
    lines: list[bytes] = []
    size = 0
    # A server-side cursor on PostgreSQL, a plain one on SQLite: rows are read as they are needed.
    for text in seats.values_list("line", flat=True).iterator(chunk_size=_CURSOR_ROWS):
        line = f"{text}\n".encode()
        if lines and (len(lines) == MAX_PART_LINES or size + len(line) > MAX_RAW_BYTES):
            yield lines
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield lines


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """What would be sent now: how many accounts, how many bytes unpacked, and their digest."""

    accounts: int
    size: int
    sha256: str


def outgoing(server: Server) -> Outgoing:
    """Read what would be sent now as a whole; about a second per 400,000 accounts, in bounded memory."""
    digest = hashlib.sha256()
    accounts = size = 0
    # One query, hence one state of the seats; no transaction, which on SQLite would keep writers away.
    for lines in _chunks(consuming(server)):
        raw = b"".join(lines)
        digest.update(raw)
        accounts += len(lines)
        size += len(raw)
    return Outgoing(accounts=accounts, size=size, sha256=digest.hexdigest())


def outgoing_lines(server: Server) -> Iterator[bytes]:
    """Yield the lines that would be sent now, LF included, some thousands at once."""
    for lines in _chunks(consuming(server)):
        yield b"".join(lines)


def preview_lines(server: Server, *, search: str = "", page: int = 1) -> LinesPage:
    """Return a page of exactly the lines that will be sent; ``search`` also looks in logins, which stay here."""
    every = consuming(server)
    accounts = every.count()
    wanted = Wanted.of(search)
    found = _matching(every, wanted, search)
    count = found.count() if wanted else accounts
    pages = max(1, -(-count // PAGE_LINES))
    page = min(max(page, 1), pages)
    start = (page - 1) * PAGE_LINES
    lines = tuple(found.values_list("line", flat=True)[start : start + PAGE_LINES])
    return LinesPage(lines=lines, page=page, pages=pages, found=count, accounts=accounts)


def _matching(seats: QuerySet[Seat], wanted: Wanted, search: str) -> QuerySet[Seat]:
    if wanted.user_id is not None:
        return seats.filter(user_id=wanted.user_id)
    if not wanted.texts:
        return seats
    either = Q(login__icontains=search.strip())
    for text in wanted.texts:
        either |= Q(line__contains=text.decode())
    return seats.filter(either)


def last_sent(server: Server) -> SyncJob | None:
    """What the cloud took last, by a sync or as a usage file; its frozen parts are kept."""
    taken = SyncJob.objects.filter(connection__server=server, state=SyncJob.State.SUCCEEDED)
    sync = taken.filter(kind=SyncJob.Kind.USAGE).order_by("-finished_at", "-pk").first()
    file = taken.filter(kind=SyncJob.Kind.FILE).order_by("-pk").first()
    if sync is None or file is None or file.arrived_at is None or sync.arrived_at is None:
        return sync or file
    return max(sync, file, key=lambda job: job.arrived_at or job.created_at)


def sent_lines(job: SyncJob, *, search: str = "", page: int = 1) -> LinesPage:
    """Return a page of the lines that a job sent, read from its frozen parts one at a time."""
    wanted = Wanted.of(search)
    numbers = list(job.parts.order_by("number").values_list("number", "lines"))
    if not wanted:
        pages = max(1, -(-job.accounts // PAGE_LINES))
        page = min(max(page, 1), pages)
        lines = _slice(job, numbers, (page - 1) * PAGE_LINES)
        return LinesPage(lines=lines, page=page, pages=pages, found=job.accounts, accounts=job.accounts)
    return _search(job, [number for number, _lines in numbers], wanted, max(page, 1))


def sent_bytes(job: SyncJob) -> Iterator[bytes]:
    """Yield the lines that a job sent, LF included, a part at a time: the bytes whose digest it names."""
    for number in job.parts.order_by("number").values_list("number", flat=True):
        yield _part(job, number)


def kept_digest(job: SyncJob) -> str | None:
    """Return the SHA-256 of the lines that are kept of a job; None where none are, and some were."""
    digest = SnapshotDigest()
    parts = 0
    for lines in sent_bytes(job):
        digest.add(lines)
        parts += 1
    return digest.hexdigest() if parts or not job.part_count else None


def _search(job: SyncJob, numbers: list[int], wanted: Wanted, page: int) -> LinesPage:
    """Look through all parts, one in memory at a time; a page beyond the last is the last."""
    lines: list[str] = []
    found = 0
    for number in numbers:
        for line in wanted.among(_part(job, number)):
            if found // PAGE_LINES == page - 1:
                lines.append(line.decode())
            found += 1
    pages = max(1, -(-found // PAGE_LINES))
    if page > pages:
        return _search(job, numbers, wanted, pages)
    return LinesPage(lines=tuple(lines), page=page, pages=pages, found=found, accounts=job.accounts)


def _slice(job: SyncJob, numbers: list[tuple[int, int]], start: int) -> tuple[str, ...]:
    """Take a page's lines out of the one or two parts that hold them."""
    taken: list[str] = []
    for number, count in numbers:
        if start >= count:
            start -= count
            continue
        room = PAGE_LINES - len(taken)
        lines = _part(job, number).split(b"\n")[:-1]
        taken += [line.decode() for line in lines[start : start + room]]
        start = 0
        if len(taken) == PAGE_LINES:
            break
    return tuple(taken)


def _part(job: SyncJob, number: int) -> bytes:
    return unpack(bytes(job.parts.values_list("body", flat=True).get(number=number)))
