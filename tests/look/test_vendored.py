"""The vendored files are exactly those that their list names, and harmless to serve."""

import hashlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "static/vendor/VENDORED.md"
FOLDERS = ("static/vendor", "tests/vendor", "templates/components/octicons", "cloud/statements/fonts")


def listed() -> dict[str, str]:
    """Path and sha256 of every row of the list."""
    rows = [line.strip("| \n").split(" | ") for line in LIST.read_text(encoding="utf-8").splitlines()]
    return {row[0]: row[-1] for row in rows if len(row) == 6 and len(row[-1]) == 64}


def present() -> set[str]:
    """Every vendored file in the tree, the list itself aside."""
    files = {path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
    return {path.relative_to(ROOT).as_posix() for path in files - {LIST}}


def test_list_names_every_vendored_file_and_no_other() -> None:
    assert set(listed()) == present()


@pytest.mark.parametrize(("path", "digest"), sorted(listed().items()))
def test_vendored_file_is_unchanged(path: str, digest: str) -> None:
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("path", sorted(path for path in present() if path.endswith((".css", ".js"))))
def test_vendored_file_names_no_source_map(path: str) -> None:
    last_lines = (ROOT / path).read_text(encoding="utf-8").splitlines()[-3:]

    assert "sourceMappingURL" not in "".join(last_lines)


@pytest.mark.parametrize("path", sorted(path for path in present() if path.endswith(".css")))
def test_vendored_style_loads_nothing_from_elsewhere(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")

    assert "@import" not in text
    assert "url(http" not in text.replace('"', "").replace("'", "")
