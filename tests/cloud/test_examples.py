"""The worked examples, imported and synced, give exactly the people and numbers that they say."""

import json
from typing import Any

import pytest

from cloud import consumption, services, usage_files
from cloud.models import Ledger
from tests.cloud import rulebook
from tests.cloud.books import DATA, NOW, connect, open_books, people, send
from tests.support.usage_files import FileServer
from wire.lines import make_line

_NO_LICENSE = {"ghost", "scim-admin"}


def _import_example(ledger: Ledger, name: str) -> dict[str, object]:
    folder = DATA / name
    with (folder / "members.ndjson").open("rb") as stream:
        services.import_members(ledger=ledger, stream=stream, by=None, at=NOW)
    for path in sorted(folder.glob("seats-*.ndjson")):
        send(connect(ledger, path.stem.removeprefix("seats-")), _lines(path.read_text("utf-8")))
    expected: dict[str, object] = json.loads((folder / "expected.json").read_text("utf-8"))
    return expected


def _lines(text: str) -> list[bytes]:
    """The lines that a server would send: active people's, by user id."""
    seats = sorted(map(json.loads, text.splitlines()), key=lambda seat: seat["id"])
    return [
        make_line(
            seat["id"],
            next((email["email"] for email in seat["emails"] if email["primary"]), None),
            [email["email"] for email in seat["emails"] if not email["primary"]],
        )
        for seat in seats
        if seat["type"] == "User" and not seat["suspended"] and seat["login"] not in _NO_LICENSE
    ]


@pytest.mark.parametrize(("name", "apart", "consumed"), [("octo", 113, 81), ("contested", 35, 25)])
def test_example_gives_its_numbers(ledger: Ledger, name: str, apart: int, consumed: int) -> None:
    expected = _import_example(ledger, name)

    totals = consumption.totals(ledger)

    assert (totals.counted_apart, totals.consumed, totals.saved) == (apart, consumed, apart - consumed)
    assert (expected["counted_apart"], expected["total_seats_consumed"]) == (apart, consumed)


def _upload_example(ledger: Ledger, name: str) -> None:
    folder = DATA / name
    with (folder / "members.ndjson").open("rb") as stream:
        services.import_members(ledger=ledger, stream=stream, by=None, at=NOW)
    for path in sorted(folder.glob("seats-*.ndjson")):
        far = FileServer(hostname=path.stem.removeprefix("seats-"))
        file = far.stream(_lines(path.read_text("utf-8")))
        given: dict[str, Any] = {"name": path.name, "by": None, "at": NOW, "fingerprint": far.fingerprint}
        usage_files.upload_now(ledger=ledger, stream=file, clock=lambda: NOW, **given)


@pytest.mark.parametrize("name", ["octo", "contested"])
def test_files_give_what_the_wire_gives(ledger: Ledger, name: str) -> None:
    other = open_books("hooli")
    _import_example(ledger, name)

    _upload_example(other, name)

    assert people(other) == people(ledger)
    assert consumption.totals(other) == consumption.totals(ledger)


@pytest.mark.parametrize("name", ["octo", "contested"])
def test_rulebook_reads_the_same_out_of_the_files(name: str) -> None:
    folder = DATA / name
    expected = json.loads((folder / "expected.json").read_text("utf-8"))
    servers = [path.stem.removeprefix("seats-") for path in folder.glob("seats-*.ndjson")]

    world = rulebook.read(folder, *servers)

    assert rulebook.consumed(world) == expected["total_seats_consumed"]
    assert rulebook.counted_apart(world) == expected["counted_apart"]


@pytest.mark.parametrize("name", ["octo", "contested"])
def test_example_gives_exactly_its_people(ledger: Ledger, name: str) -> None:
    expected = _import_example(ledger, name)

    found = people(ledger)

    listed = expected["people"]
    assert isinstance(listed, list)
    is_flagged = "ambiguous" in listed[0]
    assert [
        (login, ids, subscription) + ((flag,) if is_flagged else ()) for login, ids, subscription, flag in found
    ] == sorted(
        (one["login"], tuple(sorted(one["server_ids"])), one["visual_studio"])
        + ((one["ambiguous"],) if is_flagged else ())
        for one in listed
    )
