"""What `restore` refuses: an installation in use, newer migrations, another kind, and archives that are not ours."""

import hashlib
import io
import json
import sqlite3
import stat
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config import archive
from tests.support.console import Console
from tests.support.migrated import put_migrated_database

FIRST = Path(__file__).parents[1] / "data" / "backup-1.tar.gz"

pytestmark = pytest.mark.xdist_group("backup")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Console, Path]:
    """An installation with one enterprise, which does not run, and its backup."""
    console = Console(tmp_path_factory.mktemp("kept"))
    put_migrated_database(console.folder / "data")
    assert console.manage("create_enterprise", "octo", "--deployment", "server").returncode == 0
    file = console.folder / "octo.tar.gz"
    written = console.manage("backup", str(file))
    assert written.returncode == 0, written.stderr
    return console, file


def restore(console: Console, file: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    ended = console.manage("restore", str(file), *options)
    assert "Traceback" not in ended.stderr
    return ended


def members(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]


def test_backup_is_for_its_owner_alone_and_replaces_nothing(kept: tuple[Console, Path]) -> None:
    console, file = kept

    again = console.manage("backup", str(file))

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (again.returncode, again.stderr) == (1, f"CommandError: {file} exists already: name a new file.\n")
    assert not list(file.parent.glob(".*backup*"))


def test_restore_brings_database_and_keys_to_an_empty_machine(kept: tuple[Console, Path], tmp_path: Path) -> None:
    console, file = kept
    empty = Console(tmp_path)

    restored = restore(empty, file)

    assert restored.returncode == 0, restored.stderr
    for name in archive.KEY_FILES:
        there = empty.folder / "data" / name
        assert there.read_bytes() == (console.folder / "data" / name).read_bytes()
        assert stat.S_IMODE(there.stat().st_mode) == 0o600
    assert empty.manage("rotate_keys").returncode == 0
    assert "name is taken" in empty.manage("create_enterprise", "octo", "--deployment", "server").stderr


def test_backup_of_the_first_tables_is_brought_up_to_date(tmp_path: Path) -> None:
    empty = Console(tmp_path)

    restored = restore(empty, FIRST)

    assert restored.returncode == 0, restored.stderr
    report = json.loads(empty.manage("consumed_licenses", "octo", "--format", "json").stdout)
    assert (report["total_seats_consumed"], len(report["users"])) == (21, 22)
    with closing(sqlite3.connect(empty.folder / "data" / "licensesync.sqlite3")) as database:
        (connected,) = database.execute("SELECT hostname, state, revision, next_app_key FROM cloud_installation")
    assert connected == ("ghes.octo.example", "connected", 1, "")


def test_installation_in_use_needs_force(kept: tuple[Console, Path]) -> None:
    console, file = kept

    refused, forced = restore(console, file), restore(console, file, "--force")

    assert "--force puts the backup in their place" in refused.stderr
    assert forced.returncode == 0, forced.stderr


def manifest_with(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(kept: dict[str, bytes]) -> None:
        kept[archive.MANIFEST] = json.dumps(json.loads(kept[archive.MANIFEST]) | changes).encode()

    return change


def announced(name: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    """A member that the manifest itself announces."""

    def change(kept: dict[str, bytes]) -> None:
        manifest = json.loads(kept[archive.MANIFEST])
        manifest["members"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        kept[archive.MANIFEST] = json.dumps(manifest).encode()
        kept[name] = content

    return change


def damaged(kept: dict[str, bytes]) -> None:
    kept[archive.DATABASE] = kept[archive.DATABASE][:-1] + b"x"


def no_database(kept: dict[str, bytes]) -> None:
    del kept[archive.DATABASE]


Change = Callable[[dict[str, bytes]], object]
REFUSED_HERE: dict[str, tuple[Change, str]] = {
    "newer": (manifest_with(migrations=[["enterprises", "9999_of_the_future"]]), "newer than this one"),
    "other database": (manifest_with(database="postgresql"), "this installation uses sqlite"),
    "other role": (manifest_with(role="cloud"), "this installation is both"),
    "digest": (damaged, "its digest differs"),
    "no SQLite": (announced(archive.DATABASE, b"x" * 5000), "Its database is no SQLite database"),
}
HOSTILE: dict[str, tuple[Change, str]] = {
    "other format": (manifest_with(format=2), "Its format is 2"),
    "no manifest": (lambda kept: kept.pop(archive.MANIFEST), "first member is not the manifest"),
    "missing member": (no_database, "It ends too early"),
    "path out of the folder": (announced("../escaped", b"x"), "no backup holds"),
    "absolute path": (announced("/escaped", b"x"), "no backup holds"),
    "unannounced": (lambda kept: kept.update({"tables/x": b"x"}), "does not announce"),
}


@pytest.mark.parametrize("name", REFUSED_HERE)
def test_archive_that_is_not_ours_changes_nothing(name: str, kept: tuple[Console, Path], tmp_path: Path) -> None:
    console, file = kept
    change, sentence = REFUSED_HERE[name]
    content = members(file)
    change(content)
    before = state_of(console)

    refused = restore(console, packed(tmp_path / "hostile.tar.gz", content), "--force")

    assert refused.returncode == 1
    assert sentence in refused.stderr
    assert state_of(console) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archive_is_refused_before_anything_is_believed(
    name: str, kept: tuple[Console, Path], tmp_path: Path
) -> None:
    change, sentence = HOSTILE[name]
    content = members(kept[1])
    change(content)
    file = packed(tmp_path / "hostile.tar.gz", content)

    with pytest.raises(archive.BackupInvalid, match=sentence):
        archive.read(file, folder_in(tmp_path))

    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "hostile.tar.gz"]


def test_cut_off_file_is_refused(kept: tuple[Console, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(kept[1].read_bytes()[:-4000])

    with pytest.raises(archive.BackupInvalid, match="is no backup of this console, or is damaged"):
        archive.read(cut, folder_in(tmp_path))


def test_more_than_the_disk_holds_is_refused_before_it_is_written(tmp_path: Path) -> None:
    member = {"size": 2**62, "sha256": ""}
    facts = {"version": "", "role": "", "created_at": "", "database": "sqlite", "migrations": [], "format": 1}
    content = {archive.MANIFEST: json.dumps({**facts, "members": {archive.DATABASE: member}}).encode()}
    folder = folder_in(tmp_path)

    with pytest.raises(archive.BackupInvalid, match="more room than the disk has"):
        archive.read(packed(tmp_path / "bomb.tar.gz", content), folder)

    assert not list(folder.iterdir())


def folder_in(path: Path) -> Path:
    folder = path / "folder"
    folder.mkdir()
    return folder


def packed(path: Path, content: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def state_of(console: Console) -> tuple[bytes, ...]:
    data = console.folder / "data"
    return tuple((data / name).read_bytes() for name in ("licensesync.sqlite3", *archive.KEY_FILES))
