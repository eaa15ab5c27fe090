"""docs/testing.md lists the guards against races, each with a test and with a control, and forgets none."""

import re
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tests.security.test_document import test_named_test_exists as check_named_test

ROOT = Path(__file__).resolve().parents[2]
APPS = ("enterprises", "connect", "licensesync", "cloud")
ROWS = [
    re.findall(r"`([^`]+)`", line)
    for line in (ROOT / "docs" / "testing.md").read_text().splitlines()
    if line.startswith("| ") and "::" in line
]
# What holds a row, or reckons with somebody else's row.
GUARD = re.compile(r"select_for_update|except IntegrityError")
GUARDED = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if GUARD.search(path.read_text())
)


@pytest.mark.parametrize("named", [named for *_places, test, control in ROWS for named in (test, control)])
def test_named_test_exists(named: str) -> None:
    check_named_test(named)


@pytest.mark.parametrize("places", [places for *places, _test, _control in ROWS])
def test_named_guard_exists(places: list[str]) -> None:
    assert all(resolve_name(place) is not None for place in places)
    assert places


@pytest.mark.parametrize("module", GUARDED)
def test_every_module_with_a_guard_is_listed(module: str) -> None:
    assert any(place.startswith(f"{module}.") for *places, _test, _control in ROWS for place in places)


def test_table_and_modules_are_read() -> None:
    assert len(ROWS) > 50
    assert len(GUARDED) > 10
