"""The people behind the number, and why each of them counts."""

import json

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cloud.models import ConsumedLicense, Ledger
from tests.cloud.books import connect, sync
from tests.cloud_pages.scenes import EXAMPLE

URL = "/enterprises/octo/people"


def _labels(client: Client, query: str = "") -> list[str]:
    return [person.license.label for person in client.get(f"{URL}{query}").context["people"]]


def _page(client: Client, label: str) -> str:
    license_ = ConsumedLicense.objects.get(label=label)
    return " ".join(client.get(f"{URL}/{license_.pk}").content.decode().split())


def test_everybody_of_the_example_is_listed(owner_client: Client, contested: Ledger) -> None:
    expected = json.loads((EXAMPLE / "expected.json").read_text())["people"]

    assert len(_labels(owner_client)) == len(expected)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ana", ["ana", "ana+ci@octo.example"]),
        ("ghes1.octo.example:7", ["gil"]),
        ("SOLO@octo", ["solo@octo.example"]),
        ("nobody at all", []),
        ("%", []),
        ("x' OR 1=1 --", []),
    ],
)
def test_people_are_found(owner_client: Client, contested: Ledger, search: str, found: list[str]) -> None:
    response = owner_client.get(URL, {"q": search})

    assert [person.license.label for person in response.context["people"]] == found


def test_deployments_part_the_people(owner_client: Client, contested: Ledger) -> None:
    parts = [set(_labels(owner_client, f"?deployment={name}")) for name in ("cloud", "server", "both")]

    assert set.union(*parts) == set(_labels(owner_client))
    assert sum(map(len, parts)) == 26


def test_a_person_s_page_names_account_rule_and_address(owner_client: Client, contested: Ledger) -> None:
    page = _page(owner_client, "bob")

    assert "ghes1.octo.example:2" in page
    assert "Its primary address bob@octo.example is a SAML or SCIM identity of bob." in page
    assert "consume one license together" in page


def test_an_ambiguous_person_s_page_names_the_others(owner_client: Client, contested: Ledger) -> None:
    page = _page(owner_client, "dora")

    assert "More than one member holds the same address." in page
    assert "dirk" in page


def test_a_person_of_another_account_is_not_found(owner_client: Client, contested: Ledger) -> None:
    from tests.cloud.books import open_books

    foreign = open_books("foreign")
    sync(connect(foreign, "ghes9.octo.example"), [(1, "x@octo.example")])

    assert owner_client.get(f"{URL}/{foreign.licenses.get().pk}").status_code == 404


def test_people_cost_the_same_however_many_accounts(
    owner_client: Client, contested: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    accounts = [(user, f"person{user}@octo.example") for user in range(1, 200)]
    sync(connect(contested, "ghes3.octo.example"), accounts)

    with django_assert_max_num_queries(14):
        owner_client.get(URL)


def test_what_needs_a_look_is_a_filter(owner_client: Client, contested: Ledger) -> None:
    assert _labels(owner_client, "?ambiguous=true") == ["dora", "paul"]
    assert _labels(owner_client, "?license_type=visual_studio") == ["max"]


def test_a_near_miss_leads_to_the_member_that_was_missed(owner_client: Client, contested: Ledger) -> None:
    page = _page(owner_client, "eva@octo.example")

    eva = ConsumedLicense.objects.get(label="eva")
    assert "Once eva has verified it on the cloud and members are imported again, the two become one." in page
    assert f'href="/enterprises/octo/people/{eva.pk}"' in page
