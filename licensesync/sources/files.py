"""A watched file: below the server's own folder on this machine's disk, never reached through a link.

The folder is ``seats/<slug>`` in the data folder: an owner names files in it, and none of another server's.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from connect.models import Server
from enterprises.audit import looks_secret
from enterprises.uploads import MAX_BYTES
from licensesync.sources.failure import SourceFailure
from licensesync.sources.reading import Consume, Listed, ResultT, WholeLines

MAX_PATH: Final = 255
_SETTLED_SECONDS: Final = 30
# A pipe must not keep a worker waiting for whoever writes into it.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


def folder_of(server: Server) -> Path:
    """Return the folder that the server's watched file lies in; whoever runs this machine makes it."""
    return Path(settings.DATA_DIR) / "seats" / server.enterprise.slug


def checked_path(text: str) -> str:
    """Return a path below the folder in its one spelling.

    :raises ValidationError: it is empty, absolute, leads out of the folder, or is no path at all
    """
    path = PurePosixPath(text.strip())
    is_good = text.strip() and text.isprintable() and len(text) <= MAX_PATH
    # The path is audited.
    if not is_good or looks_secret(text) or path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValidationError(_("Enter a path below the folder, such as all_users.csv, without “..”."))
    return str(path)


def read_file(server: Server, path: str, *, renew: Callable[[], None], consume: Consume[ResultT]) -> ResultT:
    """Hand the file to ``consume``; its list was made when the file was last changed.

    :raises SourceFailure: it is not there, is no plain file, is too large, or was changed meanwhile
    """
    with _opened(server, path) as descriptor:
        before = os.fstat(descriptor)
        if before.st_size > MAX_BYTES:
            raise SourceFailure("source_too_large")

        def is_unchanged() -> bool:
            return _mark(os.fstat(descriptor)) == _mark(before)

        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            whole = WholeLines(stream, renew=renew, is_unchanged=is_unchanged)
            return consume(Listed(stream=whole, taken_at=datetime.fromtimestamp(before.st_mtime, UTC)))


def mark_of(server: Server, path: str) -> str:
    """Return what changes whenever the file does.

    :raises SourceFailure: it is not there, or is no plain file
    """
    with _opened(server, path) as descriptor:
        return _mark(os.fstat(descriptor))


def has_changed(server: Server, path: str, *, seen: str, at: datetime) -> bool:
    """Whether the file is another one than was ``seen``, and nobody has written it for half a minute."""
    try:
        with _opened(server, path) as descriptor:
            now = os.fstat(descriptor)
    except SourceFailure:
        # Said once: an attempt that found no file has seen nothing.
        return seen != ""
    return _mark(now) != seen and at.timestamp() - now.st_mtime >= _SETTLED_SECONDS


def _mark(seen: os.stat_result) -> str:
    return f"{seen.st_dev}:{seen.st_ino}:{seen.st_size}:{seen.st_mtime_ns}"


@contextmanager
def _opened(server: Server, path: str) -> Iterator[int]:
    """Open one name after the other, so that no link on the way can lead elsewhere, not even a new one."""
    *folders, name = PurePosixPath(checked_path(path)).parts
    held: list[int] = []
    try:
        try:
            held.append(os.open(folder_of(server), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            for folder in folders:
                held.append(os.open(folder, _FOLDER, dir_fd=held[-1]))
            held.append(os.open(name, _FILE, dir_fd=held[-1]))
        except FileNotFoundError as error:
            raise SourceFailure("source_file_missing") from error
        except OSError as error:
            raise SourceFailure("source_file_refused") from error
        if not stat.S_ISREG(os.fstat(held[-1]).st_mode):
            raise SourceFailure("source_file_refused")
        yield held[-1]
    finally:
        for descriptor in held:
            os.close(descriptor)
