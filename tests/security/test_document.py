"""docs/security.md names tests that exist, and no line of its table goes without one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", TEXT)))
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith(("| Threat", "| ---"))]


@pytest.mark.parametrize("named", NAMED)
def test_named_test_exists(named: str) -> None:
    path, _sign, name = named.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}

    assert found
    assert not name or name in found


@pytest.mark.parametrize("row", ROWS)
def test_every_threat_names_a_test(row: str) -> None:
    assert any(f"`{named}`" in row for named in NAMED)


def test_table_is_read() -> None:
    assert len(ROWS) > 20
