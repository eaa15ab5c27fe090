"""Who sees which address: addresses are planted in the books, and every page, file and answer is searched for them.

What is found is the table of docs/privacy.md, "Who sees which address".
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from cloud.models import Ledger, VerifiedDomain
from cloud.services import set_managed_users
from cloud.suspects import runs, searching
from enterprises.models import Scope
from tests.cloud.books import connect, import_members, member, send
from tests.factories import make_user
from tests.permissions.table import API, PAGES, Row
from tests.permissions.test_table import ask
from tests.permissions.world import World, bearer, make_world
from tests.support.shared_rows import shared_rows
from wire.lines import make_line


class Seen(NamedTuple):
    """By whom, on pages and where the API says what they say; in files; in the API's answers in GitHub's words."""

    owner: bool
    billing_manager: bool
    files: bool
    api: bool


EVERYWHERE = Seen(owner=True, billing_manager=True, files=True, api=True)
PAGES_ONLY = Seen(owner=True, billing_manager=True, files=False, api=False)
EVIDENCE = Seen(owner=True, billing_manager=False, files=False, api=False)
AS_REPORTED = Seen(owner=False, billing_manager=False, files=True, api=True)
# Among what is held about the person, too, which owners alone read.
AS_REPORTED_AND_HELD = AS_REPORTED._replace(owner=True)
NOWHERE = Seen(owner=False, billing_manager=False, files=False, api=False)

# Each address, and who sees it without and with managed users.
TABLE = {
    "work@octo.example": (EVERYWHERE, EVERYWHERE),
    "approved@labs.example": (EVERYWHERE, EVERYWHERE),
    "waiting@unproved.example": (NOWHERE, EVERYWHERE),
    "home@private.example": (NOWHERE, EVERYWHERE),
    "identity@octo.example": (PAGES_ONLY, PAGES_ONLY),
    "identity@idp.example": (NOWHERE, PAGES_ONLY),
    "typed@octo.example": (NOWHERE, PAGES_ONLY),
    "name-id@idp.example": (AS_REPORTED, AS_REPORTED_AND_HELD),
    "visual@studio.example": (AS_REPORTED, AS_REPORTED_AND_HELD),
    "primary@server.example": (EVERYWHERE, EVERYWHERE),
    "stray@server.example": (NOWHERE, NOWHERE),
    "proof@private.example": (EVIDENCE, EVERYWHERE),
}

STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)

# What the API answers in GitHub's words.
GITHUBS = {"api:consumed_licenses", "api:license_sync_status"}

VERIFIED = ("work@octo.example", "approved@labs.example", "waiting@unproved.example", "home@private.example")


def plant(ledger: Ledger) -> None:
    """A member with addresses of every kind, a server account of theirs, and one that is nearly theirs."""
    now = timezone.now()
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=now)
    VerifiedDomain.objects.create(ledger=ledger, domain="labs.example", approved_at=now)
    VerifiedDomain.objects.create(ledger=ledger, domain="unproved.example")
    emails = [{"email": email, "verified": True} for email in (*VERIFIED, "proof@private.example")]
    held = ("identity@octo.example", "identity@idp.example")
    identities = [{"attribute": "emails", "value": value} for value in held]
    ada = member(
        7,
        "ada",
        emails=[*emails, {"email": "typed@octo.example", "verified": False}],
        identities=identities,
        saml_name_id="name-id@idp.example",
        visual_studio={"email": "visual@studio.example", "status": "Pending Invitation"},
    )
    import_members(ledger, ada, partial=True)
    lines = [
        make_line(1, "work@octo.example", ["stray@server.example"]),
        make_line(2, "primary@server.example", ["proof@private.example"]),
    ]
    send(connect(ledger, "planted.octo.example"), lines)
    searching.search(runs.request(ledger, now)[0].pk, timezone.now)


@pytest.fixture(scope="module")
def shared_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            world = make_world(*map(make_user, ("olivia", "bill", "sam")))
            plant(Ledger.objects.get(enterprise__slug="octo"))
        yield world


@pytest.fixture
def ledger(shared_world: World, db: None) -> Ledger:
    return Ledger.objects.get(enterprise__slug="octo")


def rows(of: list[Row]) -> list[Row]:
    """What can be read of a cloud account."""
    return [row for row in of if row.method == "GET" and "cloud" in row.where.values()]


def read(response: HttpResponseBase) -> str:
    """What it says; of a PDF what its streams say, of which one is the signed file that it was made of."""
    body: bytes = response.getvalue()
    if response["Content-Type"] != "application/pdf":
        return body.decode()
    streams = [zlib.decompressobj().decompress(found[1]) for found in STREAM.finditer(body) if found[1][:1] == b"x"]
    assert any(b"sha256" in stream for stream in streams)
    return b"".join(streams).decode(errors="replace")


def look(user: str, world: World, ledger: Ledger) -> Iterator[tuple[str, str]]:
    """Where somebody looks, page or file, and what stands there."""
    client = Client()
    client.force_login(world.people[user])
    answers = [ask(client, row, world.things) for row in rows(PAGES)]
    people, pairs = list(ledger.licenses.all()), list(ledger.suspects.all())
    each: dict[str, list[Any]] = {"person": people, "person_data": people, "duplicate": pairs}
    for name, found_there in each.items():
        answers += [client.get(reverse(f"cloud:{name}", args=("octo", one.pk))) for one in found_there]
    for answer in answers:
        is_page = answer.get("Content-Type", "").startswith("text/html")
        yield "page" if is_page else "file", read(answer)


def ask_api(user: str, world: World, ledger: Ledger) -> Iterator[tuple[str, str]]:
    """What the API answers: in GitHub's words, or in ours, which are those of the pages."""
    headers = bearer(world.people[user], Scope.ADMIN_ENTERPRISE)
    for row in rows(API):
        answer = ask(Client(), row, world.things, headers)
        yield "api" if row.name in GITHUBS else "page", read(answer)
    for license_ in ledger.licenses.all():
        path = reverse("api:person", args=("octo", license_.pk))
        yield "page", read(Client().get(path, headers=headers))


def found(world: World, ledger: Ledger) -> dict[str, Seen]:
    texts: dict[str, list[str]] = {"owner": [], "billing_manager": [], "file": [], "api": []}
    for user in ("owner", "billing_manager"):
        for kind, text in look(user, world, ledger):
            texts[user if kind == "page" else "file"].append(text)
        for kind, text in ask_api(user, world, ledger):
            texts[user if kind == "page" else "api"].append(text)
    for form in ("table", "csv", "json"):
        output = io.StringIO()
        call_command("consumed_licenses", "octo", "--format", form, stdout=output)
        texts["file"].append(output.getvalue())
    whole = {where: "\n".join(said) for where, said in texts.items()}
    return {
        address: Seen(*(address in whole[where] for where in ("owner", "billing_manager", "file", "api")))
        for address in TABLE
    }


@pytest.mark.sqlite
@pytest.mark.parametrize("has_managed_users", [False, True], ids=["others", "managed_users"])
def test_every_page_file_and_answer_shows_what_the_table_says(
    has_managed_users: bool, shared_world: World, ledger: Ledger
) -> None:
    set_managed_users(ledger=ledger, managed_users=has_managed_users, by=None, at=timezone.now())

    seen = found(shared_world, ledger)

    assert seen == {address: expected[has_managed_users] for address, expected in TABLE.items()}


@pytest.mark.parametrize("address", TABLE)
def test_search_finds_by_what_every_role_may_see(address: str, shared_world: World, ledger: Ledger) -> None:
    hits = {}
    for user in ("owner", "billing_manager"):
        client = Client()
        client.force_login(shared_world.people[user])
        people = client.get(reverse("cloud:people", args=("octo",)), {"q": address}).context["people"]
        hits[user] = bool(people)

    expected = TABLE[address][False].billing_manager
    assert hits == {"owner": expected, "billing_manager": expected}
