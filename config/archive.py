"""The file of a backup: a tar whose first member says what the others are, with their sizes and digests."""

import hashlib
import io
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, Self

import msgspec

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "database.sqlite3"
KEY_FILES: Final = ("secret_key", "field_encryption_keys")
_LARGEST_MANIFEST: Final = 1024 * 1024
_CHUNK: Final = 1024 * 1024
# Members of more than 8 GiB need no header of their own in it.
TAR_FORMAT: Final = tarfile.GNU_FORMAT
_NAME = re.compile(rf"database\.sqlite3|keys/({'|'.join(KEY_FILES)})|tables/[a-z0-9_]{{1,63}}", re.ASCII)


class BackupInvalid(Exception):
    """The file is no whole backup; the text says what is wrong with it."""


class PlainFile(tarfile.TarInfo):
    """The one kind of member there is. Headers of headers would be taken into memory, of whatever size or number."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE}:
            raise BackupInvalid("It holds something that is no file.")
        return member


class Member(msgspec.Struct, frozen=True):
    """What a member must be."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself; ``columns`` are those of each table, in the order of its values."""

    format: int
    version: str
    role: str
    created_at: str
    database: str
    migrations: list[tuple[str, str]]
    columns: dict[str, list[str]] = {}
    members: dict[str, Member] = {}


def write(path: Path, facts: Mapping[str, Any], files: Mapping[str, Path]) -> None:
    """Put the files into ``path``, which appears whole or not at all, readable by its owner alone."""
    members = {name: Member(file.stat().st_size, _digest(file)) for name, file in files.items()}
    manifest = msgspec.json.encode({"format": FORMAT, **facts, "members": members})
    # A temporary file is made with mode 0600.
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as draft:
        with tarfile.open(fileobj=draft, mode="w:gz", compresslevel=3, format=TAR_FORMAT) as tar:
            _add(tar, MANIFEST, io.BytesIO(manifest), len(manifest))
            for name, file in files.items():
                with file.open("rb") as content:
                    _add(tar, name, content, members[name].size)
        draft.flush()
        os.fsync(draft.fileno())
        # Fails where somebody else's file has appeared under that name.
        os.link(draft.name, path)


def read(path: Path, folder: Path) -> tuple[Manifest, dict[str, Path]]:
    """Unpack a backup into an empty folder, under names of our own, and answer which file holds which member.

    Names, types, sizes and digests are those of the manifest or nothing is believed: no path of the archive is used,
    and no more is written than the manifest announces and the disk has room for.

    :raises BackupInvalid: anything about it is wrong
    """
    try:
        with tarfile.open(path, mode="r|gz", tarinfo=PlainFile) as tar:
            return _read(tar, folder)
    except (tarfile.TarError, EOFError, OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise BackupInvalid(f"It cannot be read: {error.strerror}.") from error
        raise BackupInvalid("It is no backup of this console, or is damaged.") from error


def _read(tar: tarfile.TarFile, folder: Path) -> tuple[Manifest, dict[str, Path]]:
    first = tar.next()
    content = tar.extractfile(first) if first else None
    if first is None or content is None or first.name != MANIFEST or first.size > _LARGEST_MANIFEST:
        raise BackupInvalid("It is no backup of this console: its first member is not the manifest.")
    manifest = msgspec.json.decode(content.read(), type=Manifest)
    _check(manifest, folder)
    files: dict[str, Path] = {}
    while member := tar.next():
        announced = manifest.members.get(member.name)
        content = tar.extractfile(member)
        if announced is None or content is None or member.name in files or member.size != announced.size:
            raise BackupInvalid("It holds something that its manifest does not announce.")
        files[member.name] = folder / f"member-{len(files)}"
        if _unpack(content, files[member.name]) != announced.sha256:
            raise BackupInvalid(f"{member.name} is not what was backed up: its digest differs.")
    if len(files) != len(manifest.members):
        raise BackupInvalid("It ends too early: something that its manifest announces is missing.")
    return manifest, files


def _check(manifest: Manifest, folder: Path) -> None:
    if manifest.format != FORMAT:
        raise BackupInvalid(f"Its format is {manifest.format}, and this version reads {FORMAT}.")
    sizes = [member.size for member in manifest.members.values()]
    if not all(_NAME.fullmatch(name) for name in manifest.members) or any(size < 0 for size in sizes):
        raise BackupInvalid("Its manifest announces something that no backup holds.")
    if sum(sizes) > shutil.disk_usage(folder).free:
        raise BackupInvalid("Unpacked, it needs more room than the disk has.")


def _unpack(content: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    tar.addfile(info, content)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
