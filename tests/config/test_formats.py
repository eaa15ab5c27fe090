"""The examples of docs/formats.md are files that can be imported."""

import io
import re

import pytest
from django.conf import settings

from cloud.members.ndjson import read_ndjson
from cloud.members.report import read_report
from licensesync.seats.reading import read_seats

BLOCK = re.compile(r"^```(?:json)?\n(.+?)\n```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def examples() -> list[str]:
    """Seats as NDJSON, their CSV header, members as NDJSON, their CSV header."""
    return BLOCK.findall((settings.BASE_DIR / "docs" / "formats.md").read_text())


def test_seats_are_read(examples: list[str]) -> None:
    (seat,) = read_seats(io.BytesIO(examples[0].encode()))

    assert seat.line == '{"user_id":7,"emails":[["mona@octo.example",true],["m@x.example",false]]}'


def test_header_of_seats_is_read(examples: list[str]) -> None:
    row = "2024-01-02T03:04:05Z,7,mona,mona@octo.example,user,false,,1,1,1,true,,mona,true"
    (seat,) = read_seats(io.BytesIO(f"{examples[1]}\n{row}\n".encode()))

    assert (seat.user_id, seat.is_dormant) == (7, True)


def test_members_are_read(examples: list[str]) -> None:
    (member,) = read_ndjson(iter([(1, examples[2])]))

    assert member.details.has_matched_subscription
    assert member.details.is_license_consuming


def test_header_of_members_is_read(examples: list[str]) -> None:
    cells = ["mona", "Mona Lisa", "ghes1.octo.example:7", "true"]
    row = ",".join(cells + [""] * (examples[3].count(",") + 1 - len(cells)))
    (member,) = read_report(iter([(1, f"{examples[3]}\n"), (2, f"{row}\n")]))

    assert (member.login, member.links) == ("mona", (("ghes1.octo.example", 7),))
