"""The limits that docs/operations.md gives a reverse proxy are those of the console."""

import re
from pathlib import Path

from django.conf import settings

from config.web_worker import MAX_BODY_BYTES
from enterprises.uploads import MAX_BYTES, MAX_REQUEST_BYTES
from wire.parts import MAX_PART_BYTES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text()
TOO_LARGE = (ROOT / "templates" / "413.html").read_text()
MIB = 1024 * 1024


def limits_of_nginx() -> list[int]:
    return [int(number) * MIB for number in re.findall(r"client_max_body_size (\d+)m\b", TEXT)]


def limits_of_the_table() -> dict[str, int]:
    return {
        what: int(number) * MIB for what, number in re.findall(r"^\| (an? [^|]+) \| (\d+) MiB \|", TEXT, re.MULTILINE)
    }


def test_proxy_lets_through_what_the_console_takes() -> None:
    """Neither less, which would break an import, nor more, which the console refuses anyway."""
    whole, without_imports = limits_of_nginx()

    assert whole == MAX_REQUEST_BYTES
    assert MAX_PART_BYTES < without_imports < 2 * MAX_PART_BYTES


def test_table_says_the_limits_of_the_console() -> None:
    assert limits_of_the_table() == {
        "a part of a sync": MAX_PART_BYTES,
        "a form without a file": settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        "an import of seats or members on a page, the form included": MAX_REQUEST_BYTES,
    }


def test_what_is_a_little_too_large_still_comes_to_the_page_that_says_so() -> None:
    assert MAX_REQUEST_BYTES * 1.1 < MAX_BODY_BYTES < MAX_REQUEST_BYTES * 2


def test_page_of_413_says_what_a_file_may_have() -> None:
    assert f"A file may have {MAX_BYTES // MIB} MiB." in TOO_LARGE
