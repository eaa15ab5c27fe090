"""What the console's commands share: finding the server, progress on a terminal, and refusals in one sentence."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from tqdm import tqdm

from connect.models import Server
from licensesync.models import SyncJob
from licensesync.pages.sync_box import job_of
from licensesync.seats.staging import Progress


def find_server(slug: str) -> Server:
    """Return the server of an enterprise.

    :raises CommandError: there is none of that name
    """
    server = Server.objects.select_related("enterprise", "connection").filter(enterprise__slug=slug).first()
    if server is None:
        raise CommandError(f"There is no server enterprise {slug!r}; create_enterprise makes one.")
    return server


def find_job(server: Server, pk: int) -> SyncJob:
    """Return a job of a server.

    :raises CommandError: there is none of that number
    """
    job = job_of(server, pk)
    if job is None:
        raise CommandError(f"{server} has no job {pk}; sync_history lists them.")
    return job


def written(file: Path, content: Iterable[bytes]) -> None:
    """Write pieces to a file that only its owner reads, since they may be people's data: all of it, or nothing.

    :raises CommandError: it cannot be written
    """
    try:
        if file.exists() and not file.is_file():
            # A pipe or a device: nothing could take its place.
            _write(file, content)
            return
        whole = file.resolve()
        unfinished = whole.with_name(f".{whole.name}.{os.getpid()}")
        try:
            _write(unfinished, content)
            unfinished.replace(whole)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.") from error


def _write(file: Path, content: Iterable[bytes]) -> None:
    with open(file, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.writelines(content)
        stream.flush()
        with suppress(OSError):
            # Not everything that one can write to can be told to keep it.
            os.fsync(stream.fileno())


def read_time(text: str) -> datetime:
    """Return a date or time of the command line; without a zone it is UTC.

    :raises CommandError: it is neither
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a date and time such as 2026-03-02T09:30:00+01:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_date(text: str) -> date:
    """Return a date of the command line.

    :raises CommandError: it is none
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a date such as 2027-12-31.") from error


@contextmanager
def progress_bar(unit: str, *, total: int | None = None) -> Iterator[Progress]:
    """Count on a terminal, and stay quiet anywhere else; ``total`` is how many come, where that is known."""
    quiet = not sys.stderr.isatty()
    with tqdm(total=total, unit=f" {unit}", unit_scale=True, leave=False, disable=quiet) as bar:

        def show(count: int) -> None:
            bar.update(count)

        yield show


@contextmanager
def refused(*kinds: type[Exception], hint: str = "") -> Iterator[None]:
    """Turn what a service refuses into the command's one sentence."""
    try:
        yield
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    except kinds as error:
        raise CommandError(f"{error} {hint}".strip()) from error
