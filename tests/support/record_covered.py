"""Finds the tests whose every statement other tests send to PostgreSQL as well, and writes the list of covered.py.

LICENSESYNC_TEST_DATABASE=postgres .venv/bin/python -m pytest -q -n 0 -p tests.support.record_covered
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support import covered

if TYPE_CHECKING:
    from pathlib import Path

Key = tuple[str, str]

HEAD: Final = """\
# Tests that send PostgreSQL no statement which others do not send as well, with digests of their texts: `make test`
# runs them on SQLite alone. Written by tests/support/record_covered.py; docs/testing.md says when.
"""
# What differs from one time to the next, and how many values there are.
_VARYING: Final = (
    (re.compile(r'"?s\d+_x\d+"?'), "savepoint"),
    (re.compile(r"\(\s*%s(\s*,\s*%s)*\s*\)"), "(%s)"),
    (re.compile(r"(\(%s\)(::\w+)?)(\s*,\s*\(%s\)(::\w+)?)+"), "(%s)"),
    (re.compile(r"%s(, ?%s)+"), "%s"),
    (re.compile(r"_django_curs_\w+"), "cursor"),
    (re.compile(r"\d+"), "0"),
)
_sent: dict[Key, set[str]] = defaultdict(set)
_took: dict[Key, float] = defaultdict(float)
_now: set[str] = set()


def shape(statement: str) -> str:
    for pattern, instead in _VARYING:
        statement = pattern.sub(instead, statement)
    return statement


def needless(sent: dict[Key, set[str]], took: Mapping[Key, float]) -> list[Key]:
    """The costly first: each of which every statement is also sent by one that stays."""
    senders = Counter(statement for statements in sent.values() for statement in statements)
    found: list[Key] = []
    for key in sorted(took, key=lambda key: took[key], reverse=True):
        if covered.NEVER.search("::".join(key)) or any(senders[statement] == 1 for statement in sent[key]):
            continue
        senders.subtract(sent[key])
        found.append(key)
    return found


def write_list(keys: list[Key], file: Path = covered.LIST) -> None:
    by_file: dict[str, list[str]] = defaultdict(list)
    for path, name in sorted(keys):
        by_file[path].append(name)
    lines = [HEAD]
    for path, names in by_file.items():
        digests = covered.digests(covered.ROOT / path)
        lines += [f"{path}\n", *(f"  {name} {digests[name]}\n" for name in names if name in digests)]
    file.write_text("".join(lines), encoding="utf-8")


def pytest_sessionstart() -> None:
    """Listens to every connection, those of threads included; what failed is something else than what did not."""
    from django.db.backends.utils import CursorWrapper

    for name in ("_execute", "_executemany"):
        original: Any = getattr(CursorWrapper, name)

        def listening(cursor: CursorWrapper, sql: Any, *args: Any, original: Any = original) -> object:
            statement = shape(str(sql))
            _now.add(statement)
            try:
                return original(cursor, sql, *args)
            except Exception as error:
                _now.add(f"{type(error).__name__}: {statement}")
                raise

        setattr(CursorWrapper, name, listening)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    _now.clear()
    began = time.process_time()
    result = yield
    _took[covered.key_of(item)] += time.process_time() - began
    _sent[covered.key_of(item)] |= _now
    return result


def pytest_sessionfinish(exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK:
        write_list(needless(_sent, _took))
