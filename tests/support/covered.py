"""Tests that send PostgreSQL no statement which others do not send as well: `make test` runs them on SQLite alone.

They stand in a list with a digest of their text. A test that is new, or was changed since, runs on both.
"""

import ast
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LIST: Final = ROOT / "tests/data/covered.txt"
# Set by the runner; whoever runs one folder on PostgreSQL means all of it.
VARIABLE: Final = "LICENSESYNC_TEST_COVERED"
LEFT_OUT: Final = "left-out"
# Where the same statement meets other values, another plan or another transaction, databases differ all the same.
NEVER: Final = re.compile(
    r"append_only|concurren|examples|filters|fuzz|guessing|hostile|import|limits|metrics|migrat|plan|postgres|race|"
    r"resume|retention|snapshot"
)


def left_out(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """Those that the list names, where the runner wants them left out; never what runs on PostgreSQL alone."""
    if os.environ.get(VARIABLE) != LEFT_OUT:
        return set()
    listed = read_list()
    unchanged = {file: names & digests(ROOT / file).items() for file, names in listed.items()}
    names = {(file, name) for file, pairs in unchanged.items() for name, _digest in pairs}
    return {item for item in items if key_of(item) in names and not item.get_closest_marker("postgres")}


def key_of(item: pytest.Item) -> tuple[str, str]:
    """The file and the function, whatever its parameters."""
    name = getattr(item, "originalname", None) or item.name
    cls = getattr(item, "cls", None)
    return item.path.relative_to(ROOT).as_posix(), f"{cls.__name__}.{name}" if cls else name


def read_list() -> dict[str, set[tuple[str, str]]]:
    """By file, the names with the digests that their texts had."""
    listed: dict[str, set[tuple[str, str]]] = {}
    file = ""
    for line in LIST.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            name, _space, digest = line.strip().partition(" ")
            listed[file].add((name, digest))
        elif line and not line.startswith("#"):
            listed.setdefault(file := line, set())
    return listed


def digests(file: Path) -> dict[str, str]:
    """Of each test of the file, of what stands there with its decorators."""
    if not file.is_file():
        return {}
    source = file.read_text(encoding="utf-8")
    lines = source.splitlines()
    return {
        name: hashlib.sha256("\n".join(lines[_first_line(node) - 1 : node.end_lineno]).encode()).hexdigest()[:8]
        for name, node in _functions(ast.parse(source))
    }


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from (
                (f"{node.name}.{inner.name}", inner) for inner in node.body if isinstance(inner, ast.FunctionDef)
            )


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
