"""The reports of the REST API: GitHub's types, one order, the same totals everywhere."""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from github import Auth, Github
from openapi_schema_validator import OAS30Validator
from pytest_django import DjangoAssertNumQueries
from pytest_django.live_server_helper import LiveServer

from cloud.consumption import totals
from cloud.models import Installation, Ledger, VerifiedDomain
from cloud.services import open_ledger
from enterprises.models import Scope, User
from tests.cloud.books import DATA, connect, import_members, member, sync
from tests.cloud_api.examples import load_example
from tests.cloud_api.servers import Api, code_of
from tests.factories import make_cloud_enterprise, make_server_enterprise, make_token

CONSUMED = "/enterprises/octo/consumed-licenses"
STATUS = "/enterprises/octo/license-sync-status"
PATHS = {"consumed-licenses": CONSUMED, "license-sync-status": STATUS}


def validator(name: str) -> OAS30Validator:
    """GitHub's own schema of an answer, which must also name every key that stands in one."""
    description = json.loads((DATA / "github-openapi.json").read_text("utf-8"))
    return OAS30Validator(description["components"]["schemas"][f"get-{name}"])


def keys_of(schema: dict[str, Any]) -> set[str]:
    return set(schema["properties"])


def links(response: Any) -> dict[str, str]:
    found = (part.split("; rel=") for part in response["Link"].split(", "))
    return {name.strip('"'): address.strip("<>") for address, name in found}


@pytest.mark.parametrize("example", ["octo", "contested"])
@pytest.mark.parametrize("name", sorted(PATHS))
def test_answer_is_valid_by_githubs_description(name: str, example: str, reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, example)

    answer = reader_api.get(f"{PATHS[name]}?per_page=100").json()

    assert list(validator(name).iter_errors(answer)) == []


def test_user_has_githubs_keys_and_one_more_name_for_addresses(reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "contested")
    schema = validator("consumed-licenses").schema

    answer = reader_api.get(CONSUMED).json()

    assert set(answer) == keys_of(schema)
    wanted = keys_of(schema["properties"]["users"]["items"])
    assert all(set(user) == wanted | {"enterprise_server_primary_emails"} for user in answer["users"])


@pytest.mark.parametrize("example", ["octo", "contested"])
def test_report_lists_exactly_the_expected_people(example: str, reader_api: Api, ledger: Ledger) -> None:
    expected = load_example(ledger, example)

    answer = reader_api.get(f"{CONSUMED}?per_page=100").json()

    found = sorted(
        (user["github_com_login"], user["enterprise_server_user_ids"], user["visual_studio_subscription_user"])
        for user in answer["users"]
    )
    assert found == sorted(
        (person["login"], person["server_ids"], person["visual_studio"]) for person in expected["people"]
    )
    assert answer["total_seats_consumed"] == expected["total_seats_consumed"]
    assert answer["total_seats_purchased"] == 100


def test_member_with_server_account_is_one_row_with_both(reader_api: Api, ledger: Ledger) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=timezone.now())
    load_example(ledger, "contested")

    users = reader_api.get(f"{CONSUMED}?per_page=100").json()["users"]

    (ana,) = (user for user in users if user["github_com_login"] == "ana")
    assert ana == {
        "github_com_login": "ana",
        "github_com_name": None,
        "enterprise_server_user_ids": ["ghes1.octo.example:1", "ghes2.octo.example:2"],
        "github_com_user": True,
        "enterprise_server_user": True,
        "visual_studio_subscription_user": False,
        "license_type": "enterprise",
        "github_com_profile": "https://github.com/ana",
        "github_com_member_roles": ["octo:Member"],
        "github_com_enterprise_roles": [],
        "github_com_verified_domain_emails": ["ana@octo.example"],
        "github_com_saml_name_id": "",
        "github_com_orgs_with_pending_invites": [],
        "github_com_two_factor_auth": None,
        "enterprise_server_emails": ["ana@octo.example"],
        "enterprise_server_primary_emails": ["ana@octo.example"],
        "visual_studio_license_status": "",
        "visual_studio_subscription_email": "",
        "total_user_accounts": 3,
    }


def test_person_on_servers_only_has_an_empty_login(reader_api: Api, ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(7, "solo@octo.example")])

    (user,) = reader_api.get(CONSUMED).json()["users"]

    assert (user["github_com_login"], user["github_com_user"], user["github_com_name"]) == ("", False, "")
    assert user["enterprise_server_primary_emails"] == ["solo@octo.example"]
    assert user["total_user_accounts"] == 1


def test_members_addresses_show_only_on_verified_domains(reader_api: Api, ledger: Ledger) -> None:
    emails = [
        {"email": "mona@home.example", "verified": True},
        {"email": "mona@octo.example", "verified": True},
        {"email": "m@octo.example", "verified": False},
    ]
    import_members(ledger, member(1, "mona", emails=emails))
    before = reader_api.get(CONSUMED).json()["users"][0]
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", approved_at=timezone.now())

    after = reader_api.get(CONSUMED).json()["users"][0]

    assert before["github_com_verified_domain_emails"] == []
    assert after["github_com_verified_domain_emails"] == ["mona@octo.example"]


def test_secondary_addresses_never_show(reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "contested")

    answer = reader_api.get(f"{CONSUMED}?per_page=100").content.decode()

    assert "x11@spare.example" in answer
    assert "ana@octo.example" in answer
    second = next(user for user in json.loads(answer)["users"] if "ghes1.octo.example:11" in str(user))
    assert second["enterprise_server_primary_emails"] == ["x11@spare.example"]


def test_outside_collaborators_stand_among_the_roles(reader_api: Api, ledger: Ledger) -> None:
    places = [{"repository": "octo/secret", "visibility": "private"}]
    import_members(ledger, member(1, "mona", member_roles=["octo:Owner"], outside_collaborator=places))

    (user,) = reader_api.get(CONSUMED).json()["users"]

    assert user["github_com_member_roles"] == ["octo:Owner", "octo/secret:Collaborator"]


def test_pages_together_are_the_whole_report(reader_api: Api, ledger: Ledger) -> None:
    expected = load_example(ledger, "octo")
    whole = reader_api.get(f"{CONSUMED}?per_page=100").json()

    pages = [reader_api.get(f"{CONSUMED}?per_page=7&page={number}").json() for number in range(1, 20)]

    assert [user for page in pages for user in page["users"]] == whole["users"]
    assert {page["total_seats_consumed"] for page in pages} == {expected["total_seats_consumed"]}


def test_links_are_absolute_and_keep_the_page_size(reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "octo")

    response = reader_api.get(f"{CONSUMED}?per_page=10&page=3", Host="localhost:8123")

    base = f"http://localhost:8123/api/v3{CONSUMED}?per_page=10"
    last = -(-totals(ledger).listed // 10)
    assert links(response) == {
        "first": f"{base}&page=1",
        "prev": f"{base}&page=2",
        "next": f"{base}&page=4",
        "last": f"{base}&page={last}",
    }


def test_links_keep_the_root_prefix(reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "octo")
    reader_api.prefix = ""

    assert links(reader_api.get(CONSUMED))["next"] == f"http://testserver{CONSUMED}?page=2"


def test_single_page_has_no_links(reader_api: Api, ledger: Ledger) -> None:
    import_members(ledger, member(1, "mona"))

    assert "Link" not in reader_api.get(CONSUMED)


@pytest.mark.parametrize(
    ("query", "length"),
    [("", 30), ("per_page=5", 5), ("per_page=1000", 100), ("per_page=0", 30), ("per_page=-3", 30), ("per_page=x", 30),
     ("page=0", 30), ("page=-1", 30), ("page=99", 0), ("page=99999999999999999999", 30),
     ("per_page=9&page=999999999", 0)],
)  # fmt: skip
def test_page_parameters_are_clamped(query: str, length: int, reader_api: Api, ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(number, f"u{number}@octo.example") for number in range(1, 113)])

    response = reader_api.get(f"{CONSUMED}?{query}")

    assert response.status_code == 200
    assert len(response.json()["users"]) == length


@pytest.mark.parametrize("per_page", [2, 100])
def test_queries_do_not_grow_with_the_page(
    per_page: int, reader_api: Api, ledger: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=timezone.now())
    load_example(ledger, "octo")

    with django_assert_max_num_queries(13):
        reader_api.get(f"{CONSUMED}?per_page={per_page}")


def test_sync_status_speaks_plain_strings(reader_api: Api, ledger: Ledger) -> None:
    sync(connect(ledger, "a.octo.example"), [(7, "solo@octo.example")])
    failed, never = connect(ledger, "b.octo.example"), connect(ledger, "c.octo.example")
    Installation.objects.filter(pk=failed.pk).update(
        last_status="failure", last_error="The lines differ.", last_attempt_at=timezone.now().replace(year=2026)
    )

    answer = reader_api.get(STATUS).json()["server_instances"]

    assert [instance["hostname"] for instance in answer] == ["a.octo.example", "b.octo.example", "c.octo.example"]
    assert answer[0]["last_sync"] == {"date": "2026-03-02T09:30:00Z", "status": "success", "error": ""}
    assert answer[1]["last_sync"]["error"] == "The lines differ."
    assert answer[1]["last_sync"]["status"] == "failure"
    assert answer[2]["last_sync"] == {"date": "", "status": "", "error": ""}
    assert answer[2]["server_id"] == str(never.server_id)


@pytest.mark.parametrize("path", [CONSUMED, STATUS])
def test_outsider_sees_nothing(path: str, stranger_api: Api) -> None:
    response = stranger_api.get(path)

    assert (response.status_code, code_of(response)) == (404, "")


@pytest.mark.parametrize("slug", ["nobody", "octo%00", "OCTO", "octo-server", "a" * 5000])
def test_unknown_enterprise_looks_like_a_foreign_one(slug: str, owner_api: Api, owner: User) -> None:
    make_server_enterprise("octo-server", owner=owner)

    assert owner_api.get(f"/enterprises/{slug}/consumed-licenses").status_code == 404


@pytest.mark.parametrize("credential", ["", "token lss_wrong", "Bearer", "Basic b2N0bzpvY3Rv"])
def test_bad_credentials_are_refused(credential: str, ledger: Ledger) -> None:
    response = Api(credential).get(CONSUMED)

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


def test_session_is_no_credential(owner_client: Client, ledger: Ledger) -> None:
    assert owner_client.get(f"/api/v3{CONSUMED}").status_code == 401


def test_billing_manager_may_not_connect(billing_manager: User, ledger: Ledger) -> None:
    _token, secret = make_token(billing_manager, Scope.ADMIN_ENTERPRISE)

    response = Api(f"token {secret}").post("/enterprises/octo/enterprise-installations", {})

    assert response.status_code == 403


def test_reading_scope_may_not_connect(owner: User, ledger: Ledger) -> None:
    _token, secret = make_token(owner, Scope.READ_ENTERPRISE)

    assert Api(f"token {secret}").post("/enterprises/octo/enterprise-installations", {}).status_code == 403


def test_organization_has_reports_too(owner: User, owner_api: Api) -> None:
    organization = make_cloud_enterprise("octo-org", owner=owner)
    open_ledger(enterprise=organization, at=timezone.now())

    assert owner_api.get("/enterprises/octo-org/consumed-licenses").json()["users"] == []


@pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"])
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("per_page", [None, 7])
def test_pygithub_reads_the_report(live_server: LiveServer, ledger: Ledger, owner: User, per_page: int | None) -> None:
    expected = load_example(ledger, "octo")
    _token, secret = make_token(owner, Scope.READ_ENTERPRISE)

    with Github(base_url=f"{live_server.url}/api/v3", auth=Auth.Token(secret), retry=None) as github:
        licenses = github.get_enterprise("octo").get_consumed_licenses(licence_users_per_page=per_page)
        users = list(licenses.users)

    assert licenses.total_seats_consumed == expected["total_seats_consumed"]
    assert len(users) == totals(ledger).listed
    by_login = {user.github_com_login: user for user in users if user.github_com_login}
    matched = next(person for person in expected["people"] if person["login"] and person["server_ids"])
    assert by_login[matched["login"]].enterprise_server_user_ids == matched["server_ids"]
    assert all(isinstance(user.enterprise_server_primary_emails, list) for user in users)
