"""The filter bar of the people: tokens, tabs with counts, pages by key, and the same people as CSV."""

import csv
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoDbBlocker

from cloud.models import ConsumedLicense, Ledger, VerifiedDomain
from cloud.people import paging
from cloud.services import open_ledger
from enterprises.models import AuditEvent, User
from tests.cloud.books import connect, import_members, member, sync
from tests.factories import NOW, make_billing_manager, make_cloud_enterprise, make_user
from tests.support.shared_rows import shared_rows

URL = "/enterprises/octo/people"

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def written(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ledger]:
    """Nine people, written once: four members, of whom two have accounts, and five on a server alone."""
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            enterprise = make_cloud_enterprise("octo", owner=make_user("olivia"))
            make_billing_manager(make_user("bill"), enterprise)
            ledger = open_ledger(enterprise=enterprise, seats_purchased=30, at=NOW)
            _fill(ledger)
        yield ledger


def _fill(ledger: Ledger) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=NOW)
    on_octo = {"emails": [{"email": "ana@octo.example", "verified": True}]}
    elsewhere = {"identities": [{"attribute": "NameID", "value": "dan@else.example"}]}
    import_members(
        ledger,
        member(1, "ana", two_factor=False, enterprise_roles=["Owner"], **on_octo),
        member(2, "bob", two_factor=True, member_roles=["octo:Owner", "labs:Member"]),
        member(3, "cleo", member_roles=[], pending_invites=["labs"]),
        member(4, "dan", visual_studio={"email": "", "status": "Matched"}, **elsewhere),
    )
    sync(connect(ledger, "ghes1.octo.example"), [(1, "ana@octo.example"), (2, "dan@else.example")])
    sync(connect(ledger, "ghes2.octo.example"), [(n, f"s{n}@octo.example") for n in range(1, 6)])


@pytest.fixture
def crowd(written: Ledger, db: None) -> Ledger:
    """The books, read anew."""
    return Ledger.objects.get(pk=written.pk)


@pytest.fixture
def owner(crowd: Ledger) -> User:
    return User.objects.get(username="olivia")


def labels(client: Client, query: str = "") -> list[str]:
    return [person.license.label for person in client.get(f"{URL}{query}").context["people"]]


def rows(client: Client, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"{URL}/people.csv{query}")
    assert response.status_code == 200
    body = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(body.splitlines()))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?organization=labs", ["bob", "cleo"]),
        ("?organization=LABS&role=owner", []),
        ("?organization=octo&role=owner", ["bob"]),
        ("?role=enterprise_owner&organization=octo", ["ana"]),
        ("?role=pending_invitation", ["cleo"]),
        ("?two_factor=disabled", ["ana"]),
        ("?two_factor=unknown", ["cleo", "dan"]),
        ("?domain=octo.example", ["ana"]),
        ("?domain=else.example", []),
        ("?domain=none&deployment=both", ["dan"]),
        ("?server=ghes1.octo.example", ["ana", "dan"]),
        ("?server=ghes1.octo.example&license_type=visual_studio", ["dan"]),
        ("?server=nowhere.example", []),
        ("?deployment=server&q=s3", ["s3@octo.example"]),
        ("?sort=-accounts&deployment=both", ["ana", "dan"]),
        ("?sort=-name&organization=labs", ["cleo", "bob"]),
    ],
)
def test_filters_combine_and_the_file_holds_the_same_people(
    owner_client: Client, crowd: Ledger, query: str, found: list[str]
) -> None:
    page = owner_client.get(f"{URL}{query}")

    assert [person.license.label for person in page.context["people"]] == found
    assert page.context["total"] == len(found)
    in_file = [row["github_com_login"] or row["enterprise_server_primary_emails"] for row in rows(owner_client, query)]
    assert in_file == found


def test_each_filter_is_a_token_that_takes_only_itself_away(owner_client: Client, crowd: Ledger) -> None:
    page = owner_client.get(f"{URL}?organization=labs&role=member&sort=-name")

    tokens = {str(token["label"]): token["url"] for token in page.context["tokens"]}
    assert tokens == {
        "Organization": f"{URL}?role=member&sort=-name",
        "Role": f"{URL}?organization=labs&sort=-name",
    }
    assert page.context["everybody_url"] == f"{URL}?sort=-name"
    assert f'href="{URL}?sort=-name"' in page.content.decode()


def test_tabs_count_under_the_other_filters(owner_client: Client, crowd: Ledger) -> None:
    tabs = owner_client.get(f"{URL}?domain=octo.example").context["tabs"]

    assert {str(tab["label"]): tab["count"] for tab in tabs} == {
        "All": 1, "Cloud only": 0, "Server only": 0, "Cloud and server": 1,
    }  # fmt: skip
    assert [tab["url"] for tab in tabs][1] == f"{URL}?domain=octo.example&deployment=cloud"


def test_choices_are_those_of_the_account(owner_client: Client, crowd: Ledger) -> None:
    fields = {field["name"]: field for field in owner_client.get(f"{URL}?organization=gone").context["fields"]}

    assert [value for value, _text in fields["organization"]["choices"]] == ["", "labs", "octo", "gone"]
    assert [str(text) for _value, text in fields["role"]["choices"]] == [
        "Any", "Enterprise owner", "Organization member", "Organization owner", "Pending invitation",
    ]  # fmt: skip
    assert [value for value, _text in fields["domain"]["choices"]] == ["", "octo.example", "none"]


def test_value_that_is_none_is_said_on_the_page_and_refused_for_a_file(owner_client: Client, crowd: Ledger) -> None:
    page = owner_client.get(f"{URL}?deployment=moon")

    assert len(page.context["people"]) == 9
    assert "deployment cannot be moon; it is one of: cloud, server, both." in page.content.decode()
    assert owner_client.get(f"{URL}/people.csv?deployment=moon").status_code == 400


@pytest.mark.parametrize("sort", ["name", "-name", "accounts", "-accounts", "since", "-since"])
def test_pages_by_key_show_everybody_once_and_lead_back(
    owner_client: Client, crowd: Ledger, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = labels(owner_client, f"?sort={sort}")
    monkeypatch.setattr(paging.people_page, "__kwdefaults__", {"after": "", "before": "", "size": 2})
    page, pages = owner_client.get(f"{URL}?sort={sort}"), []
    while True:
        pages.append([person.license.label for person in page.context["people"]])
        if not page.context["next_url"]:
            break
        page = owner_client.get(page.context["next_url"])
    back = []
    while page.context["previous_url"]:
        page = owner_client.get(page.context["previous_url"])
        back.append([person.license.label for person in page.context["people"]])

    assert [label for part in pages for label in part] == whole
    assert back == pages[-2::-1]


def test_page_goes_on_behind_people_who_left(
    owner_client: Client, crowd: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = labels(owner_client)
    monkeypatch.setattr(paging.people_page, "__kwdefaults__", {"after": "", "before": "", "size": 3})
    onward = owner_client.get(URL).context["next_url"]
    ConsumedLicense.objects.filter(label__in=whole[1:4]).delete()

    assert labels(owner_client, onward.removeprefix(URL)) == whole[4:7]
    assert "@" not in onward
    assert labels(owner_client, "?after=of+another+time") == [whole[0], *whole[4:6]]


def test_file_is_audited_without_what_was_looked_for(owner_client: Client, crowd: Ledger) -> None:
    rows(owner_client, "?q=ana%40octo.example&role=enterprise_owner")

    event = AuditEvent.objects.get(action="report.download")
    assert event.after == {"report": "people", "filters": ["q", "role"]}


def test_list_with_every_filter_costs_a_bounded_number_of_queries(
    owner_client: Client, crowd: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    everything = (
        "?q=a&deployment=both&server=ghes1.octo.example&organization=octo&role=enterprise_owner&two_factor=disabled"
        "&domain=octo.example&license_type=enterprise&ambiguous=false&sort=-since"
    )

    with django_assert_max_num_queries(25):
        assert labels(owner_client, everything) == ["ana"]
