"""docs/formats.md says of every code of a refused usage file what the API answers, and what to do."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from cloud.api.resources.upload_shapes import DOCUMENTATION
from cloud.api.resources.uploads import status_of_refusal
from cloud.refusals import UploadCode, file_sentence
from wire.messages import ErrorCode

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `(?P<code>\w+)` \| (?P<status>\d+) \|", re.MULTILINE)


def rows() -> dict[str, int]:
    text = (ROOT / "docs" / "formats.md").read_text("utf-8").partition("### Why a file is refused")[2]
    return {row["code"]: int(row["status"]) for row in ROW.finditer(text)}


def test_table_has_every_code_of_files() -> None:
    assert set(rows()) >= {code.value for code in UploadCode}


@pytest.mark.parametrize("code", sorted(rows()))
def test_row_has_the_status_and_the_code_a_sentence(code: str) -> None:
    known = UploadCode(code) if code in set(UploadCode) else ErrorCode(code)
    with translation.override("en"):
        sentence = str(file_sentence(code))

    assert rows()[code] == status_of_refusal(known)
    assert sentence.endswith(".")


def test_answers_point_at_the_table() -> None:
    path, _, heading = DOCUMENTATION.partition("#")

    assert f"### {heading.replace('-', ' ').capitalize()}" in (ROOT / path).read_text("utf-8")
