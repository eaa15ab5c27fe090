"""After any history, the page, the CSV, the REST API and the command name the same people and the same number."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enterprises.models import Scope
from tests.cloud import rulebook
from tests.cloud.books import open_books
from tests.cloud.rulebook import World
from tests.cloud.test_sequences import HOSTS, STEPS, accounts, members, steps
from tests.factories import make_role, make_token, make_user

pytestmark = pytest.mark.django_db

Row = tuple[str, tuple[str, ...], bool]
"""What a person is called, the server accounts, and whether they are in the total."""

Said = tuple[int, list[Row]]
"""The number, and the people."""

_STAT = re.compile(r"Consumed.*?([0-9,]+)<", re.DOTALL)
_ACCOUNT = re.compile(r"[\w.-]+:[0-9]+(?=\s)")


class _Table(HTMLParser):
    """The texts of a table's cells, row by row, by the label that each shows on a narrow screen."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self._cell = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append({})
        self._cell = dict(attrs).get("data-label") or (self._cell if tag not in {"td", "th"} else "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = ""

    def handle_data(self, data: str) -> None:
        if self._cell and self.rows:
            row = self.rows[-1]
            row[self._cell] = row.get(self._cell, "") + data


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members, accounts, accounts, st.lists(steps, max_size=4))
def test_all_four_agree(
    listed_first: Any, one: dict[int, str], two: dict[int, str], history: list[tuple[Any, ...]]
) -> None:
    with transaction.atomic():
        ledger, world = open_books("octo"), World()
        for name, *arguments in [("members", listed_first), ("sync", HOSTS[0], one), ("sync", HOSTS[1], two), *history]:
            STEPS[name](ledger, world, *arguments)
        owner = make_user("olivia")
        make_role(owner, ledger.enterprise)
        client = Client()
        client.force_login(owner)
        _row, token = make_token(owner, Scope.READ_ENTERPRISE)

        said = {
            "page": _of_page(client),
            "csv": _of_csv(client),
            "api": _of_api(client, token),
            "command": _of_command(),
            "rules": _of_rules(world),
        }

        assert {name: one for name, one in said.items() if one != said["rules"]} == {}
        transaction.set_rollback(True)


def _of_page(client: Client) -> Said:
    table = _Table()
    table.feed(client.get("/enterprises/octo/people").content.decode())
    rows = [
        (
            row["Person"].split()[0],
            tuple(sorted(_ACCOUNT.findall(row["Server accounts, and the rule that matched them"]))),
            row["License"].strip() == "1 license",
        )
        for row in table.rows
        if row
    ]
    shown = _STAT.search(client.get("/enterprises/octo/licensing").content.decode())
    assert shown
    return int(shown[1].replace(",", "")), sorted(rows)


def _of_csv(client: Client) -> Said:
    answer = client.get("/enterprises/octo/licensing/report.csv")
    text = answer.getvalue().decode()
    users = [
        {
            "github_com_login": row["github_com_login"],
            "enterprise_server_primary_emails": _several(row["enterprise_server_primary_emails"]),
            "enterprise_server_user_ids": _several(row["enterprise_server_user_ids"]),
            "license_type": row["license_type"],
        }
        for row in csv.DictReader(io.StringIO(text))
    ]
    rows = _of_users(users)
    return sum(is_counted for _label, _accounts, is_counted in rows), rows


def _several(cell: str) -> list[str]:
    return cell.split(", ") if cell else []


def _of_api(client: Client, token: str) -> Said:
    users: list[dict[str, Any]] = []
    address = "/enterprises/octo/consumed-licenses?per_page=3"
    while address:
        answer = client.get(address, headers={"Authorization": f"Bearer {token}"})
        report = answer.json()
        users += report["users"]
        following = re.search(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        address = following[1] if following else ""
    return report["total_seats_consumed"], _of_users(users)


def _of_command() -> Said:
    output = io.StringIO()
    call_command("consumed_licenses", "octo", "--json", stdout=output)
    report = json.loads(output.getvalue())
    return report["total_seats_consumed"], _of_users(report["users"])


def _of_users(users: list[dict[str, Any]]) -> list[Row]:
    return sorted(
        (
            (
                user["github_com_login"]
                or "".join(user["enterprise_server_primary_emails"])
                or user["enterprise_server_user_ids"][0]
            ),
            tuple(sorted(user["enterprise_server_user_ids"])),
            user["license_type"] == "enterprise",
        )
        for user in users
    )


def _of_rules(world: World) -> Said:
    owned = rulebook.owned(world)
    counted = rulebook.counted(world)
    rows = [
        (
            world.members[person].login if isinstance(person, int) else _label(person),
            tuple(sorted(_label(account) for account in mine)),
            person in counted,
        )
        for person, mine in owned.items()
    ]
    return rulebook.consumed(world), sorted(rows)


def _label(one: str | tuple[str, int]) -> str:
    return one if isinstance(one, str) else f"{one[0]}:{one[1]}"
