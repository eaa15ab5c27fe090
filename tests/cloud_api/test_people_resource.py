"""People with the reason: the API lists, narrows and explains them as the page and the command do."""

import json
from urllib.parse import parse_qsl

import msgspec
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cloud.models import Ledger, VerifiedDomain
from cloud.people import PeopleFilter, Viewer, explain, people, telling
from cloud.services import open_ledger
from tests.cloud.books import connect, import_members, member, sync
from tests.cloud_api.examples import load_example
from tests.cloud_api.servers import Api, code_of
from tests.cloud_api.test_reports import links
from tests.factories import NOW, make_cloud_enterprise

PEOPLE = "/enterprises/octo/license-sync/people"


class TestPeople:
    @pytest.fixture
    def contested(self, ledger: Ledger) -> Ledger:
        load_example(ledger, "contested")
        return Ledger.objects.get(pk=ledger.pk)

    def test_list_is_that_of_the_page_with_its_reasons(self, contested: Ledger, owner_api: Api) -> None:
        answer = owner_api.get(f"{PEOPLE}?per_page=100").json()

        assert answer["total_count"] == len(answer["people"]) == contested.listed
        for entry, license_ in zip(answer["people"], people(contested), strict=True):
            said = explain(license_, Viewer.OWNER)
            assert (entry["id"], entry["label"]) == (license_.pk, license_.label)
            told = json.loads(msgspec.json.encode(telling.values(said)).replace(b"+00:00", b"Z"))
            cloud_facts = [fact for fact in told["facts"] if fact["code"] != "server_accounts"]
            assert entry.items() >= {name: told[name] for name in ("sentence", "server_accounts", "login")}.items()
            assert entry["facts"] == cloud_facts

    def test_person_is_the_entry_of_the_list_and_more(self, contested: Ledger, owner_api: Api) -> None:
        listed = owner_api.get(f"{PEOPLE}?q=ana").json()["people"][0]

        person = owner_api.get(f"{PEOPLE}/{listed['id']}").json()

        more = {"facts", "addresses", "addresses_not_shown", "contested", "changes"}
        assert {name: value for name, value in person.items() if name not in more} == {
            name: value for name, value in listed.items() if name != "facts"
        }
        assert person["facts"][: len(listed["facts"])] == listed["facts"]
        assert [change["is_arrival"] for change in person["changes"]][-1]
        assert person["html_url"] == f"http://testserver/enterprises/octo/people/{listed['id']}"

    @pytest.mark.parametrize(
        "query",
        ["deployment=server", "deployment=both&server=ghes2.octo.example", "ambiguous=true", "sort=-accounts",
         "license_type=visual_studio&q=max", "organization=octo", "two_factor=unknown&sort=-name", "domain=none"],
    )  # fmt: skip
    def test_filters_are_those_of_the_page(self, query: str, contested: Ledger, owner_api: Api) -> None:
        wanted = PeopleFilter.from_query(dict(parse_qsl(query)))

        response = owner_api.get(f"{PEOPLE}?{query}&per_page=2")

        found = [license_.pk for license_ in people(contested, wanted)]
        answer = response.json()
        assert answer["total_count"] == len(found)
        assert [entry["id"] for entry in answer["people"]] == found[:2]
        if len(found) > 2:
            following = links(response)["next"].removeprefix("http://testserver/api/v3")
            assert [entry["id"] for entry in owner_api.get(following).json()["people"]] == found[2:4]

    def test_nonsense_is_refused_with_what_can_be_asked(self, contested: Ledger, reader_api: Api) -> None:
        response = reader_api.get(f"{PEOPLE}?sort=age", **{"Accept-Language": "fr"})

        assert (response.status_code, code_of(response)) == (422, "invalid_request")
        assert response.json()["message"].startswith("Validation Failed: sort cannot be age")

    def test_owner_and_billing_manager_have_tags_of_their_own(
        self, contested: Ledger, owner_api: Api, reader_api: Api
    ) -> None:
        tag = owner_api.get(PEOPLE)["ETag"]

        assert owner_api.get(PEOPLE, **{"If-None-Match": tag}).status_code == 304
        assert reader_api.get(PEOPLE, **{"If-None-Match": tag}).status_code == 200

    def test_only_an_owner_reads_the_address_that_tells(
        self, contested: Ledger, owner_api: Api, reader_api: Api
    ) -> None:
        told, hidden = (
            api.get(f"{PEOPLE}?q=x11@spare.example").json()["people"][0]["server_accounts"][0]["near_misses"][0][
                "sentence"
            ]
            for api in (owner_api, reader_api)
        )

        assert "ana@octo.example" in told
        assert "ana@octo.example" not in hidden

    @pytest.mark.parametrize("number", [3, 60])
    def test_queries_do_not_grow_with_the_page(
        self, number: int, ledger: Ledger, owner_api: Api, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=timezone.now())
        emails = [{"email": f"user{each}@octo.example", "verified": True} for each in range(number)]
        import_members(ledger, *(member(each + 1, f"user{each}", emails=[email]) for each, email in enumerate(emails)))
        sync(
            connect(ledger, "ghes1.octo.example"),
            [(each + 1, f"user{each}@{'octo' if each % 3 else 'old'}.example") for each in range(number)],
        )

        with django_assert_num_queries(17):
            answer = owner_api.get(f"{PEOPLE}?per_page=100").json()

        accounts = [account for entry in answer["people"] for account in entry["server_accounts"]]
        assert sum(len(account["near_misses"]) for account in accounts) == number // 3

    def test_accounts_of_a_crowd_come_in_pages(self, ledger: Ledger, owner_api: Api) -> None:
        sync(connect(ledger, "ghes1.octo.example"), [(each, "robots@octo.example") for each in range(1, 46)])
        (crowd,) = ledger.licenses.all()

        pages = [owner_api.get(f"{PEOPLE}/{crowd.pk}?page={page}") for page in (1, 2, 3)]

        assert [len(page.json()["server_accounts"]) for page in pages] == [30, 15, 0]
        assert links(pages[0])["next"].endswith("?page=2")
        assert pages[2].json()["total_server_accounts"] == 45

    def test_person_of_another_account_is_not_found(self, contested: Ledger, owner_api: Api) -> None:
        other = open_ledger(enterprise=make_cloud_enterprise("elsewhere"), at=NOW)
        import_members(other, member(1, "mona"))

        assert owner_api.get(f"{PEOPLE}/{other.licenses.get().pk}").status_code == 404
