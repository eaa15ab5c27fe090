"""Archives that somebody else made, and what `restore` says to them."""

import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import msgspec
import pytest

from config import archive
from config.archive import BackupInvalid

MIB = 1024 * 1024
FACTS = {
    "version": "0.1.0", "role": "both", "created_at": "2026-11-24", "database": "sqlite", "migrations": [],
}  # fmt: skip
EMPTY = {"size": 0, "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}


def announcing(*names: str) -> tuple[tarfile.TarInfo, bytes]:
    content = msgspec.json.encode({"format": archive.FORMAT, **FACTS, "members": dict.fromkeys(names, EMPTY)})
    return tarfile.TarInfo(archive.MANIFEST), content


def member(name: str, kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, b""


def packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def headers(kind: bytes, *, size: int, times: int = 1) -> bytes:
    """Headers that tell of the member that follows them, and none follows."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, size
    head = info.tobuf(tarfile.GNU_FORMAT)
    body = b"x".ljust(-(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE, b"\0")
    return gzip.compress((head + body) * times, compresslevel=1)


def refusal(content: bytes, folder: Path) -> str:
    """What is said; nothing of it is left."""
    file, unpacked = folder / "backup.tar.gz", folder / "unpacked"
    file.write_bytes(content)
    unpacked.mkdir()
    with pytest.raises(BackupInvalid) as refused:
        archive.read(file, unpacked)
    assert sorted(folder.iterdir()) == [file, unpacked]
    return str(refused.value)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_header_that_is_a_bomb_is_not_taken_in(kind: bytes, tmp_path: Path) -> None:
    content = headers(kind, size=64 * MIB)
    tracemalloc.start()
    try:
        assert refusal(content, tmp_path) == "It holds something that is no file."
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()


def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    assert refusal(headers(tarfile.GNUTYPE_LONGNAME, size=5, times=3_000), tmp_path)


def test_manifest_of_any_depth_is_refused(tmp_path: Path) -> None:
    content = packed((tarfile.TarInfo(archive.MANIFEST), b'{"format":1,"x":' + b"[" * 500_000))

    assert refusal(content, tmp_path) == "It is no backup of this console, or is damaged."


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, b"S"])
def test_member_that_is_no_file_is_refused(kind: bytes, tmp_path: Path) -> None:
    content = packed(announcing(archive.DATABASE), member(archive.DATABASE, kind, "/etc/passwd"))

    assert refusal(content, tmp_path) == "It holds something that is no file."


@pytest.mark.parametrize("name", ["../outside", "/outside", "keys/../../outside", "tables/../outside"])
def test_name_that_leads_outside_is_refused(name: str, tmp_path: Path) -> None:
    assert refusal(packed(announcing(name), member(name, tarfile.REGTYPE)), tmp_path)


def test_member_may_be_larger_than_8_gib() -> None:
    info = tarfile.TarInfo("tables/cloud_consumption")
    info.size = 9 * 1024 * MIB

    assert len(info.tobuf(archive.TAR_FORMAT)) == tarfile.BLOCKSIZE
