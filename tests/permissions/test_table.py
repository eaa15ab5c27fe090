"""Every address answers each kind of caller as the table says, and no address is missing from the table."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import DjangoDbBlocker

from enterprises.models import Scope
from tests.factories import make_user
from tests.permissions.table import API, PAGES, ROOT_API, ROWS, Row
from tests.permissions.world import World, bearer, make_world, with_manifest
from tests.support.shared_rows import shared_rows

# Nobody finds anything here: whatever else is asked for under the API's prefix.
NAMELESS = {"^api/v3/"}


# Who is let in is decided before a page asks for anything; what pages ask, their own tests send to PostgreSQL.
pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def shared_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            world = make_world(*map(make_user, ("olivia", "bill", "sam")))
        yield world


@pytest.fixture
def world(row: Row, shared_world: World, db: None) -> World:
    """As it was made; what the test before this one changed is undone."""
    return with_manifest(shared_world) if "manifest" in row.data else shared_world


def url_names(patterns: list[URLPattern | URLResolver], route: str = "", space: str = "") -> Iterator[str]:
    for pattern in patterns:
        path = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from url_names(pattern.url_patterns, path, inner)
        else:
            yield f"{space}{pattern.name}" if pattern.name else path


def ask(client: Client, row: Row, things: dict[str, str], headers: dict[str, str] | None = None) -> HttpResponseBase:
    things = things | {"one": "1"}
    url = reverse(row.name, kwargs={key: things[thing] for key, thing in row.where.items()})
    data = {key: things.get(value, value) for key, value in row.data.items()}
    if row.method == "GET" and not headers:
        return client.get(url, data)
    if row.method == "POST" and not headers:
        return client.post(url, data)
    return client.generic(row.method, url, b"{}", content_type="application/json", headers=headers)


def test_every_address_is_in_the_table() -> None:
    names = set(url_names(get_resolver().url_patterns))

    assert names - NAMELESS == {row.name for row in ROWS}


@pytest.mark.parametrize("row", PAGES, ids=str)
def test_page(row: Row, world: World) -> None:
    """The owner comes last: whoever may not do it has not changed what the owner then finds."""
    answers = {"anonymous": ask(Client(), row, world.things).status_code}
    for caller, user in world.people.items():
        client = Client()
        client.force_login(user)
        answers[caller] = ask(client, row, world.things).status_code

    assert answers == row.expected.of_pages()


@pytest.mark.parametrize("row", [row for row in PAGES if "pk" in row.where], ids=str)
def test_things_of_others_are_not_found_under_ones_own_name(row: Row, world: World, client: Client) -> None:
    client.force_login(world.people["stranger"])

    assert ask(client, row, world.elsewhere).status_code == 404


@pytest.mark.parametrize("row", API + ROOT_API, ids=str)
def test_api(row: Row, world: World) -> None:
    answers = {"anonymous": ask(Client(), row, world.things).status_code}
    for caller, user in world.people.items():
        headers = bearer(user, Scope.ADMIN_ENTERPRISE)
        answers[caller] = ask(Client(), row, world.things, headers).status_code
    headers = bearer(world.people["owner"])
    answers["no_scope"] = ask(Client(), row, world.things, headers).status_code

    assert answers == row.expected._asdict()


@pytest.mark.parametrize("row", API, ids=str)
def test_api_takes_no_session(row: Row, world: World, client: Client) -> None:
    client.force_login(world.people["owner"])

    assert ask(client, row, world.things).status_code == 401


@pytest.mark.parametrize("row", [row for row in PAGES if row.method == "POST"], ids=str)
def test_form_needs_its_own_token(row: Row) -> None:
    anything = dict.fromkeys(row.where.values(), "1")

    assert ask(Client(enforce_csrf_checks=True), row, anything).status_code == 403
