"""What a sync changed, on the cloud: from the server's row to the people, named for as long as they are there."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cloud.models import Ledger
from tests.cloud.books import connect, import_members, member, sync

pytestmark = pytest.mark.django_db

MONA = (1, "mona@octo.example")
URL = "/enterprises/octo/licensing"


def page_of(client: Client, address: str) -> str:
    return " ".join(client.get(address, follow=True).content.decode().split())


def test_row_of_a_server_leads_to_what_its_last_sync_changed(owner_client: Client, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [MONA, (2, None)])
    sync(server, [MONA, (3, "cara@octo.example"), (4, None)])

    row = page_of(owner_client, URL)

    assert "Last sync: +2 −1 licenses" in row
    page = page_of(owner_client, f"{URL}/changes/2")
    assert "What the sync of ghes1.octo.example changed" in page
    assert f'href="/enterprises/octo/people/{ledger.licenses.get(label="cara@octo.example").pk}"' in page
    assert "2 people came." in page
    assert "1 person went." in page
    assert "Nothing is kept of who went" in page


def test_row_of_a_server_says_when_its_last_sync_changed_no_license(owner_client: Client, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [MONA])
    sync(server, [MONA])

    assert "Last sync: no license came or went" in page_of(owner_client, URL)


def test_people_who_were_matched_and_who_stayed_have_their_tabs(owner_client: Client, ledger: Ledger) -> None:
    import_members(ledger, member(7, "mona", emails=[{"email": "mona@octo.example", "verified": True}]))
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [MONA])
    sync(server, [(2, None)])

    assert ">mona</a>" in page_of(owner_client, f"{URL}/changes/2?kind=matched")
    assert ">mona</a>" not in page_of(owner_client, f"{URL}/changes/2?kind=came")
    assert ">mona</a>" in page_of(owner_client, f"{URL}/changes/3?kind=unmatched")


def test_who_has_gone_since_is_counted_and_not_named(owner_client: Client, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [MONA, (2, "cara@octo.example")])
    sync(server, [(2, "cara@octo.example")])

    page = page_of(owner_client, f"{URL}/changes/1")

    assert "2 people came." in page
    assert "1 of them has gone since" in page
    assert "mona@octo.example" not in page


def test_server_leads_here_by_the_id_of_its_sync(owner_client: Client, ledger: Ledger) -> None:
    status = sync(connect(ledger, "ghes1.octo.example"), [MONA])

    response = owner_client.get(f"{URL}/syncs/{status.sync_id}")

    assert (response.status_code, response["Location"]) == (302, f"{URL}/changes/1")
    assert owner_client.get(f"{URL}/syncs/{uuid4()}").status_code == 404


@pytest.mark.parametrize("cause", ["members", "removal", "rename", "recount"])
def test_every_change_has_its_name(owner_client: Client, ledger: Ledger, cause: str) -> None:
    import_members(ledger, member(7, "mona"))
    ledger.revisions.update(cause=cause, hostname="ghes1.octo.example")

    page = page_of(owner_client, f"{URL}/changes/1")

    assert {"members": "import of members", "removal": "removal of ghes1", "rename": "new name ghes1"}.get(
        cause, "What the recount changed"
    ) in page


def test_queries_do_not_grow_with_the_people(
    owner_client: Client, ledger: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(number, f"p{number}@octo.example") for number in range(1, 101)])

    with django_assert_max_num_queries(15):
        page = owner_client.get(f"{URL}/changes/1")

    assert len(page.context["people"]) == 50
