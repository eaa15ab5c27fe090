"""docs/wire.md says of every error code what the API does."""

import re
from pathlib import Path

import pytest

from cloud.api.errors import STATUS
from enterprises.api import DOCUMENTATION
from wire.messages import ErrorCode

ROOT = Path(__file__).parent.parent.parent
ROW = re.compile(r"^\| `(?P<code>\w+)` \| (?P<statuses>[\d, ]+) \| (?P<meaning>.+) \| (?P<remedy>.+) \|$", re.MULTILINE)


def rows() -> dict[str, re.Match[str]]:
    text = (ROOT / "docs" / "wire.md").read_text("utf-8").partition("## Error codes")[2]
    return {row["code"]: row for row in ROW.finditer(text)}


def test_table_has_every_code_and_no_other() -> None:
    assert set(rows()) == {code.value for code in ErrorCode}


@pytest.mark.parametrize("code", list(ErrorCode))
def test_table_names_the_status(code: ErrorCode) -> None:
    assert str(STATUS[code]) in rows()[code]["statuses"].split(", ")


def test_every_answer_points_at_the_table() -> None:
    path, _, heading = DOCUMENTATION.partition("#")

    assert f"## {heading.replace('-', ' ').capitalize()}" in (ROOT / path).read_text("utf-8")
