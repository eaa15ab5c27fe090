"""docs/security.md and docs/privacy.md name tests that exist, and no line of their tables goes without one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {name: (ROOT / "docs" / name).read_text() for name in ("security.md", "privacy.md")}
NAMED = sorted({named for text in TEXTS.values() for named in re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", text)})


def rows_with_tests(text: str) -> list[str]:
    """The lines of every table that has a column for them."""
    tables = re.findall(r"^(\|.*)\n\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [line for header, body in tables if "Test" in header for line in body.splitlines()]


ROWS = [line for text in TEXTS.values() for line in rows_with_tests(text)]


@pytest.mark.parametrize("named", NAMED)
def test_named_test_exists(named: str) -> None:
    path, _sign, name = named.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}

    assert found
    assert not name or name in found


@pytest.mark.parametrize("row", ROWS)
def test_every_row_names_a_test(row: str) -> None:
    assert any(f"`{named}`" in row for named in NAMED)


def test_tables_are_read() -> None:
    assert len(ROWS) > 40
