"""Fill the books with the contested example, the way a sync does."""

import json

from cloud import services
from cloud.models import Ledger
from tests.cloud.books import DATA, NOW, connect, sync

EXAMPLE = DATA / "contested"
HOSTS = ("ghes1.octo.example", "ghes2.octo.example")


def fill(ledger: Ledger) -> None:
    """Import the members and sync both servers."""
    with (EXAMPLE / "members.ndjson").open("rb") as stream:
        services.import_members(ledger=ledger, stream=stream, by=None, at=NOW)
    for host in HOSTS:
        sync(connect(ledger, host), _accounts(host))


def _accounts(host: str) -> list[tuple[int, str | None]]:
    rows = [json.loads(line) for line in (EXAMPLE / f"seats-{host}.ndjson").read_text().splitlines()]
    consuming = (
        row
        for row in rows
        if row["type"] == "User" and not row["suspended"] and row["login"] not in {"ghost", "scim-admin"}
    )
    return [(row["id"], _primary(row["emails"])) for row in consuming]


def _primary(emails: list[dict[str, object]]) -> str | None:
    return next((str(email["email"]) for email in emails if email["primary"]), None)
