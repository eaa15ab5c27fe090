"""What every answer has in common with GitHub's: versions, media types, HEAD, allowances, tags."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cloud import services
from cloud.api.shape import VERSIONS
from cloud.models import Installation, Ledger, VerifiedDomain
from enterprises.models import Scope, User
from enterprises.throttling import MAX_REQUESTS
from tests.cloud.books import connect, import_members, member, sync
from tests.cloud_api.examples import load_example
from tests.cloud_api.servers import Api, code_of
from tests.factories import make_token

CONSUMED = "/enterprises/octo/consumed-licenses"
STATUS = "/enterprises/octo/license-sync-status"
HISTORY = "/enterprises/octo/license-sync/history"
SERVERS = "/enterprises/octo/license-sync/servers"
EVERY = [CONSUMED, STATUS, HISTORY, SERVERS]
PEOPLES_TABLES = ("cloud_consumedlicense", "cloud_member", "cloud_serveraccount")


@pytest.mark.parametrize("version", VERSIONS)
def test_known_version_is_echoed(version: str, reader_api: Api) -> None:
    response = reader_api.get(STATUS, **{"X-GitHub-Api-Version": version})

    assert (response.status_code, response["X-GitHub-Api-Version-Selected"]) == (200, version)


def test_without_a_version_it_is_the_first(reader_api: Api) -> None:
    assert reader_api.get(STATUS)["X-GitHub-Api-Version-Selected"] == "2022-11-28"


@pytest.mark.parametrize("version", ["2020-01-01", "v3", "2022-11-28 ", "é"])
def test_unknown_version_is_refused(version: str, reader_api: Api) -> None:
    response = reader_api.get(STATUS, **{"X-GitHub-Api-Version": version})

    assert (response.status_code, code_of(response)) == (400, "invalid_request")
    assert '"2026-03-10" (most recent), "2022-11-28"' in response.json()["message"]


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "application/json", "application/vnd.github+json", "application/vnd.github.v3+json",
     "application/vnd.github.v3.raw+json", "text/html, application/*;q=0.8", "APPLICATION/JSON; charset=utf-8"],
)  # fmt: skip
def test_json_is_answered_to_whoever_accepts_it(accept: str, reader_api: Api) -> None:
    response = reader_api.get(STATUS, Accept=accept)

    assert (response.status_code, response["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert {"Accept", "Authorization"} <= set(response["Vary"].split(", "))


@pytest.mark.parametrize("accept", ["text/html", "text/csv, application/xml", "application/vnd.github.diff"])
def test_whoever_wants_no_json_is_told_so(accept: str, reader_api: Api) -> None:
    response = reader_api.get(STATUS, Accept=accept)

    assert (response.status_code, code_of(response)) == (415, "invalid_request")


@pytest.mark.parametrize("path", EVERY)
def test_head_is_get_without_its_body(path: str, reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "contested")

    answer, head = reader_api.get(f"{path}?per_page=1"), reader_api.call("HEAD", f"{path}?per_page=1")

    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(len(answer.content)))
    assert {name: head.get(name) for name in ("ETag", "Link")} == {name: answer.get(name) for name in ("ETag", "Link")}


def test_allowance_is_told_as_github_does(owner: User, ledger: Ledger) -> None:
    _token, secret = make_token(owner, Scope.READ_ENTERPRISE)
    api = Api(f"token {secret}")

    first, second = api.get(STATUS), api.get(HISTORY)

    assert [answer["X-RateLimit-Remaining"] for answer in (first, second)] == [
        str(MAX_REQUESTS - 1),
        str(MAX_REQUESTS - 2),
    ]
    assert (second["X-RateLimit-Limit"], second["X-RateLimit-Used"]) == (str(MAX_REQUESTS), "2")
    assert 0 <= int(second["X-RateLimit-Reset"]) - timezone.now().timestamp() <= 60
    assert second["X-OAuth-Scopes"] == "read:enterprise"


def test_whoever_is_not_let_in_has_no_allowance(anonymous: Api, ledger: Ledger) -> None:
    assert "X-RateLimit-Remaining" not in anonymous.get(STATUS)


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", W/{}', "*"])
def test_whoever_has_the_answer_is_told_that_it_stands(path: str, form: str, reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "contested")
    tag = reader_api.get(path)["ETag"]

    again = reader_api.get(path, **{"If-None-Match": form.format(tag.removeprefix("W/"))})

    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert again["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("form", ['"other"', "nonsense", 'W/"', ""])
def test_whoever_has_another_answer_gets_this_one(form: str, reader_api: Api, ledger: Ledger) -> None:
    assert reader_api.get(CONSUMED, **{"If-None-Match": form}).status_code == 200


def test_unchanged_report_reads_no_people(reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "octo")
    tag = reader_api.get(CONSUMED)["ETag"]

    with CaptureQueriesContext(connection) as asked:
        assert reader_api.get(CONSUMED, **{"If-None-Match": tag}).status_code == 304

    assert [query["sql"] for query in asked if any(table in query["sql"] for table in PEOPLES_TABLES)] == []
    assert len(asked) <= 5


def test_pages_have_tags_of_their_own(reader_api: Api, ledger: Ledger) -> None:
    load_example(ledger, "octo")

    tags = [reader_api.get(f"{CONSUMED}?{query}")["ETag"] for query in ("page=1", "page=2", "page=1&per_page=7")]

    assert len(set(tags)) == 3


def _sync(ledger: Ledger) -> None:
    sync(ledger.installations.get(hostname="ghes1.octo.example"), [(7, "other@octo.example")])


def _import_details(ledger: Ledger) -> None:
    import_members(ledger, member(1, "mona", name="Mona Lisa", emails=MONAS))


def _purchase(ledger: Ledger) -> None:
    services.set_seats_purchased(ledger=ledger, seats_purchased=7, by=None, at=timezone.now())


def _verify_domain(ledger: Ledger) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=timezone.now())


def _delete_domain(ledger: Ledger) -> None:
    ledger.domains.all().delete()


def _rename(ledger: Ledger) -> None:
    Installation.objects.filter(ledger=ledger).update(hostname="renamed.octo.example")


def _remove(ledger: Ledger) -> None:
    services.remove_installation(installation=ledger.installations.get(), by=None, at=timezone.now())


MONAS = [{"email": "mona@octo.example", "verified": True}, {"email": "mona@home.example", "verified": True}]


@pytest.mark.parametrize(
    "change", [_sync, _import_details, _purchase, _verify_domain, _delete_domain, _rename, _remove]
)
def test_whatever_changes_the_report_changes_its_tag(
    change: Callable[[Ledger], None], reader_api: Api, ledger: Ledger
) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain="home.example", approved_at=timezone.now())
    import_members(ledger, member(1, "mona", emails=MONAS))
    sync(connect(ledger, "ghes1.octo.example"), [(7, "solo@octo.example"), (8, "mona@octo.example")])
    before = reader_api.get(CONSUMED)
    change(ledger)

    after = reader_api.get(CONSUMED, **{"If-None-Match": before["ETag"]})

    assert after.status_code == 200
    assert after.json() != before.json()


@pytest.mark.parametrize("path", [STATUS, SERVERS])
def test_failed_sync_changes_the_tag_of_what_tells_of_it(path: str, reader_api: Api, ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(7, "solo@octo.example")])
    before = reader_api.get(path)
    ledger.installations.update(last_status="failure", last_error="The lines differ.")

    after = reader_api.get(path, **{"If-None-Match": before["ETag"]})

    assert (after.status_code, "The lines differ." in after.content.decode()) == (200, True)
