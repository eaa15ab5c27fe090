"""The worked examples in the books of a cloud account."""

import json
from typing import Any

from cloud import services
from cloud.models import Ledger
from tests.cloud.books import DATA, NOW, connect, send
from wire.lines import make_line

_NO_LICENSE = {"ghost", "scim-admin"}


def load_example(ledger: Ledger, name: str) -> dict[str, Any]:
    """Import the members, sync every server, and return what is expected of it."""
    folder = DATA / name
    with (folder / "members.ndjson").open("rb") as stream:
        services.import_members(ledger=ledger, stream=stream, by=None, at=NOW)
    for path in sorted(folder.glob("seats-*.ndjson")):
        seats = map(json.loads, path.read_text("utf-8").splitlines())
        lines = [_line(seat) for seat in sorted(seats, key=lambda seat: seat["id"]) if _holds_license(seat)]
        send(connect(ledger, path.stem.removeprefix("seats-")), lines)
    expected: dict[str, Any] = json.loads((folder / "expected.json").read_text("utf-8"))
    return expected


def _holds_license(seat: dict[str, Any]) -> bool:
    return seat["type"] == "User" and not seat["suspended"] and seat["login"] not in _NO_LICENSE


def _line(seat: dict[str, Any]) -> bytes:
    primary = [email["email"] for email in seat["emails"] if email["primary"]]
    others = [email["email"] for email in seat["emails"] if not email["primary"]]
    return make_line(seat["id"], primary[0] if primary else None, others)
