"""What the processes of one machine share when eight of them start at the same moment."""

import fcntl
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import IO

import pytest
from django.core.management import CommandError

from config import embedded
from config.management.commands.up import lock

STARTS = 8


def make_secret_eight(put: Callable[[str, Path], object], folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Eight first starts find no secret; return the content that each of those put there that could."""
    all_found_none = Barrier(STARTS)
    made = set()

    def put_later(draft: str, place: Path) -> None:
        all_found_none.wait(timeout=30)
        put(draft, place)
        made.add(Path(draft).read_text())

    monkeypatch.setattr(os, "link", put_later)
    with ThreadPoolExecutor(STARTS) as pool:
        found = set(pool.map(lambda _number: embedded.generated_secret_key(folder), range(STARTS)))
    assert found & made
    return made


def test_processes_that_start_together_agree_on_one_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_secret_eight(os.link, tmp_path, monkeypatch) == {embedded.generated_secret_key(tmp_path)}


def test_without_the_link_each_makes_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(make_secret_eight(shutil.copy, tmp_path, monkeypatch)) == STARTS


def start_eight(folder: Path) -> int:
    """The console is started eight times on one data folder; return how many of them run."""
    files: list[IO[str]] = []

    def start(_number: int) -> None:
        try:
            files.append(lock(folder))
        except CommandError:
            return

    with ThreadPoolExecutor(STARTS) as pool:
        list(pool.map(start, range(STARTS)))
    for file in files:
        file.close()
    return len(files)


def test_console_runs_once_on_a_data_folder(tmp_path: Path) -> None:
    assert start_eight(tmp_path) == 1


def test_without_the_lock_it_runs_eight_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", lambda _file, _how: None)

    assert start_eight(tmp_path) == STARTS
