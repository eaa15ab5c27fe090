"""The users of a server: search and filters that combine, pages, CSV, the exclusion list."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from connect.models import Server
from enterprises.models import AuditEvent
from licensesync.models import DormancyExclusion
from licensesync.users import exclusions
from licensesync.users import listing as users
from licensesync.users.listing import Filter, Wanted, csv_lines, users_page
from tests.factories import NOW
from tests.licensesync.world import make_server, seat

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

ACCOUNTS = [
    {"id": 1, "login": "mona", "emails": ["Mona@Octo.example", "m@home.example"]},
    {"id": 2, "login": "hubot", "dormant": True, "emails": ["robots@octo.example"]},
    {"id": 3, "login": "build", "dormant": True, "emails": ["ROBOTS@octo.example"]},
    {"id": 4, "login": "left", "suspended": True, "dormant": True, "emails": ["left@octo.example"]},
    {"id": 5, "login": "nobody", "dormant": True, "emails": []},
    {"id": 6, "login": "ghost", "dormant": True, "emails": []},
    {"id": 7, "login": "=cmd", "emails": ["seven@octo.example"]},
]
pytestmark = pytest.mark.django_db


def lines(accounts: list[dict[str, object]]) -> bytes:
    rows = []
    for account in accounts:
        addresses = account["emails"]
        assert isinstance(addresses, list)
        emails = [{"email": address, "primary": number == 0} for number, address in enumerate(addresses)]
        rows.append(json.dumps({**account, "emails": emails}))
    return "\n".join(rows).encode()


@pytest.fixture
def server() -> Server:
    made = make_server()
    seat(made, lines(ACCOUNTS))
    # Another server's accounts are never among them.
    seat(
        make_server("second", "ghes2.octo.example"),
        lines([{"id": 9, "login": "mona", "emails": ["left@octo.example"]}]),
    )
    exclusions.exclude(server=made, user_id=2, by=None, at=NOW)
    return made


@pytest.mark.parametrize(
    ("search", "filters", "ids"),
    [
        ("", (), [1, 2, 3, 4, 5, 6, 7]),
        ("", (Filter.ACTIVE,), [1, 6, 7]),
        ("", (Filter.DORMANT,), [2, 3, 5]),
        ("", (Filter.SUSPENDED,), [4]),
        ("", (Filter.NO_PRIMARY_ADDRESS,), [5, 6]),
        ("", (Filter.SAME_ADDRESS_TWICE,), [2, 3]),
        ("", (Filter.EXCLUDED,), [2]),
        ("", (Filter.DORMANT, Filter.NOT_EXCLUDED), [3, 5]),
        ("", (Filter.DORMANT, Filter.SAME_ADDRESS_TWICE, Filter.NOT_EXCLUDED), [3]),
        ("", (Filter.ACTIVE, Filter.DORMANT), []),
        ("MON", (), [1]),
        ("7", (), [7]),
        ("robots@OCTO", (), [2, 3]),
        ("robots@octo", (Filter.EXCLUDED,), [2]),
        ("m@home.example", (), [1]),
        ("100%", (), []),
        ("nobody", (Filter.SUSPENDED,), []),
    ],
)
def test_search_and_filters_hold_together(
    server: Server, search: str, filters: tuple[Filter, ...], ids: list[int]
) -> None:
    wanted = Wanted(search, frozenset(filters))

    page = users_page(server, wanted)
    written = list(csv.DictReader(io.StringIO("".join(csv_lines(server, wanted)))))

    assert ([each.user_id for each in page.users], page.found) == (ids, len(ids))
    assert [int(row["id"]) for row in written] == ids


def test_each_account_is_in_one_state(server: Server) -> None:
    states = {each.user_id: users.state_of(each) for each in users_page(server, Wanted()).users}

    for state in users.STATES:
        narrowed = users_page(server, Wanted(filters=frozenset([state]))).users
        assert {each.user_id for each in narrowed} == {user_id for user_id, held in states.items() if held == state}


def test_csv_starts_no_formula_and_says_what_the_page_says(server: Server) -> None:
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO("".join(csv_lines(server, Wanted()))))}

    assert rows["7"]["login"] == "'=cmd"
    assert rows["2"] | {"state": "dormant", "excluded": "true", "consumes_license": "true"} == rows["2"]
    assert rows["4"] | {"state": "suspended", "consumes_license": "false", "last_active": ""} == rows["4"]


def test_pages_leave_nobody_out_though_the_list_changes(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "PAGE", 3)

    first = users_page(server, Wanted())
    # The first three go; a page that counted rows would skip the next three.
    seat(server, lines(ACCOUNTS[3:]), allow_shrink=True)
    second = users_page(server, Wanted(), after=3)
    back = users_page(server, Wanted(), before=7)

    assert ([each.user_id for each in first.users], first.has_previous, first.has_next) == ([1, 2, 3], False, True)
    assert ([each.user_id for each in second.users], second.has_previous, second.has_next) == ([4, 5, 6], False, True)
    assert ([each.user_id for each in back.users], back.has_previous, back.has_next) == ([4, 5, 6], False, True)


def test_pages_are_read_from_the_index_in_few_queries(
    server: Server, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Seven rows are read faster without any index.
            cursor.execute(
                "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
            )
        plan = users.users(server, Wanted(filters=frozenset([Filter.DORMANT]))).filter(user_id__gt=3)[:51].explain()

    assert "seat_server_user_id" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan
    with django_assert_num_queries(3):
        users_page(server, Wanted(filters=frozenset([Filter.SAME_ADDRESS_TWICE])), after=2)


def test_exclusion_list_outlives_imports_and_is_audited_once(server: Server) -> None:
    assert not exclusions.exclude(server=server, user_id=2, by=None, at=NOW)
    seat(server, lines([ACCOUNTS[0], *ACCOUNTS[2:]]))
    seat(server, lines(ACCOUNTS))

    assert [each.user_id for each in users_page(server, Wanted(filters=frozenset([Filter.EXCLUDED]))).users] == [2]
    assert exclusions.include(server=server, user_id=2, by=None, at=NOW)
    assert not exclusions.include(server=server, user_id=2, by=None, at=NOW)
    events = AuditEvent.objects.filter(action__startswith="dormancy_exclusion.").order_by("pk")
    assert [(event.action, event.after) for event in events] == [
        ("dormancy_exclusion.create", {"user_id": 2}),
        ("dormancy_exclusion.destroy", {"user_id": 2}),
    ]


def test_account_is_found_by_login_before_its_id(server: Server) -> None:
    seat(server, lines([*ACCOUNTS, {"id": 8, "login": "3", "emails": []}]))

    assert [exclusions.find_account(server, text) for text in ("Hubot", " 3 ", "4")] == [2, 8, 4]
    with pytest.raises(exclusions.NoSuchAccount, match="mona@octo"):
        exclusions.find_account(server, "mona@octo")


def test_account_that_left_can_be_taken_off_by_its_id(server: Server) -> None:
    seat(server, lines([ACCOUNTS[0], *ACCOUNTS[2:]]))

    user_id = exclusions.find_excluded(server, "2")

    assert exclusions.include(server=server, user_id=user_id, by=None, at=NOW)
    assert not DormancyExclusion.objects.exists()
    with pytest.raises(exclusions.NoSuchAccount):
        exclusions.find_excluded(server, "2")


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("license_users", *words, stdout=out)
    return out.getvalue()


def test_command_lists_what_the_filters_mean(server: Server) -> None:
    slug = server.enterprise.slug

    rows = [
        json.loads(line) for line in run(slug, "--filter", "dormant", "--filter", "excluded", "--json").splitlines()
    ]
    words = run(slug, "--search", "robots@octo", "--filter", "not-excluded").splitlines()

    assert [(row["id"], row["login"], row["state"], row["excluded"]) for row in rows] == [(2, "hubot", "dormant", True)]
    assert [line.split() for line in words[:-1]] == [["3", "build", "dormant", "robots@octo.example"]]
    assert words[-1] == f"1 user of {server}."
    taken = AuditEvent.objects.filter(action="report.download").order_by("pk").values_list("after", flat=True)
    assert list(taken) == [
        {"report": "users", "filters": ["dormant", "excluded"], "searched": False},
        {"report": "users", "filters": ["not-excluded"], "searched": True},
    ]


def test_command_keeps_the_exclusion_list(server: Server) -> None:
    slug = server.enterprise.slug

    assert json.loads(run(slug, "--exclude", "build", "--json")) == {"id": 3, "excluded": True, "changed": True}
    assert run(slug, "--exclude", "3").strip() == f"Account 3 of {server} is on the exclusion list already."
    assert run(slug, "--include", "build").strip() == f"Account 3 of {server} is off the exclusion list."
    with pytest.raises(CommandError, match="There is no account with the login or id “zed”"):
        run(slug, "--include", "zed")
