"""Add server usage over the API: one request brings the file, another says how it goes, a third has the receipt."""

from __future__ import annotations

import io
from typing import Any

import msgspec
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cloud import applying, usage_files
from cloud.models import Installation, Intake, Ledger
from enterprises.models import AuditEvent, StagedUpload
from enterprises.uploads import MAX_A_MINUTE, MAX_BYTES
from tests.cloud.books import people
from tests.cloud.refused_files import AT_ONCE, LINES, WHEN_READ, applied, new_server
from tests.cloud_api.servers import Api
from tests.support.usage_files import FileServer
from wire.receipts import ReceiptFile

UPLOADS = "/enterprises/octo/server-usage"


@pytest.fixture
def server() -> FileServer:
    return new_server()


def bring(api: Api, server: FileServer, content: bytes, **query: str) -> dict[str, Any]:
    """What the API answers to a file that it takes."""
    asked = "&".join(f"{name}={value}" for name, value in {"fingerprint": server.fingerprint, **query}.items())
    response = api.post(f"{UPLOADS}?{asked}", content)
    assert response.status_code == 202, response.content
    assert response["Location"] == f"http://testserver/api/v3{UPLOADS}/{response.json()['id']}"
    upload: dict[str, Any] = response.json()
    return upload


def work(upload: dict[str, Any]) -> None:
    """What a worker does with it."""
    applying.apply(upload["id"], timezone.now)


def looked_at(api: Api, upload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"{UPLOADS}/{upload['id']}").json()
    return found


def test_file_is_applied_by_one_request(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    upload = bring(owner_api, server, server.file(LINES))
    assert (upload["state"], upload["stage"], upload["receipt_url"]) == ("PENDING", "reading", None)

    work(upload)

    now = looked_at(owner_api, upload)
    assert (now["state"], now["progress"], now["difference"]["people_added"]) == ("SUCCESS", 1.0, 2)
    assert now["receipt_fingerprint"] == usage_files.receipt_fingerprint(Intake.objects.get())
    assert (now["hostname"], now["fingerprint"]) == (server.hostname, server.fingerprint)
    assert len(people(ledger)) == 2
    assert not StagedUpload.objects.exists()


def test_examples_are_for_owners(owner_api: Api, reader_api: Api, ledger: Ledger, server: FileServer) -> None:
    upload = bring(owner_api, server, server.file(LINES))
    work(upload)

    seen = [looked_at(api, upload)["difference"]["samples"] for api in (owner_api, reader_api)]

    assert [sample["primary"] for sample in seen[0]] == ["mona@octo.example", "hubot@octo.example"]
    assert seen[1] == []


def test_receipt_is_a_file_for_the_server(owner_api: Api, reader_api: Api, ledger: Ledger, server: FileServer) -> None:
    upload = bring(owner_api, server, server.file(LINES))
    assert owner_api.get(f"{UPLOADS}/{upload['id']}/receipt").status_code == 404
    work(upload)
    address = looked_at(reader_api, upload)["receipt_url"].removeprefix("http://testserver/api/v3")

    response = reader_api.get(address)

    assert response["Content-Disposition"] == f'attachment; filename="receipt-{server.hostname}-r1.json"'
    receipt = msgspec.json.decode(response.content, type=ReceiptFile).receipt
    assert (receipt.sync_id, receipt.revision) == (upload["snapshot_id"], 1)
    assert reader_api.get(address, **{"If-None-Match": response["ETag"]}).status_code == 304


def test_preview_waits_until_it_is_applied(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    upload = bring(owner_api, server, server.file(LINES), preview="true")
    work(upload)
    assert looked_at(owner_api, upload)["state"] == "READY"
    assert people(ledger) == []

    answers = [owner_api.post(f"{UPLOADS}/{upload['id']}/apply") for _again in range(2)]

    assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(202, "PENDING")] * 2
    work(upload)
    assert looked_at(owner_api, upload)["state"] == "SUCCESS"


def test_preview_that_is_not_ready_or_gone_is_not_applied(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    content = server.file(LINES)
    upload = bring(owner_api, server, content, preview="true")
    address = f"{UPLOADS}/{upload['id']}"

    answers = [owner_api.post(f"{address}/apply"), owner_api.post(UPLOADS, content)]
    owner_api.delete(address)
    answers.append(owner_api.post(f"{address}/apply"))

    told = [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert told == [(409, "not_ready"), (409, "not_ready"), (409, "expired")]


def test_preview_is_discarded(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    upload = bring(owner_api, server, server.file(LINES), preview="true")
    work(upload)

    response = owner_api.delete(f"{UPLOADS}/{upload['id']}")

    assert (response.status_code, response.json()["state"]) == (200, "DISCARDED")
    assert not Intake.objects.get().parts.exists()


def test_what_was_applied_stays(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    upload = bring(owner_api, server, server.file(LINES))
    work(upload)

    assert owner_api.delete(f"{UPLOADS}/{upload['id']}").json()["state"] == "SUCCESS"
    assert len(people(ledger)) == 2


def test_many_may_go_where_that_is_confirmed(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    content = WHEN_READ["shrink_unconfirmed"](ledger, server)
    upload = bring(owner_api, server, content, preview="true")
    work(upload)

    refused = owner_api.post(f"{UPLOADS}/{upload['id']}/apply")
    applied_now = owner_api.post(f"{UPLOADS}/{upload['id']}/apply?allow_shrink=true")

    assert (refused.status_code, refused.json()["code"]) == (409, "shrink_unconfirmed")
    assert applied_now.status_code == 202


def test_unknown_server_is_told_with_its_fingerprint(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    response = owner_api.post(UPLOADS, server.file(LINES))

    problem = response.json()
    assert (response.status_code, problem["code"], problem["status"]) == (422, "unknown_server", "422")
    facts = {"fingerprint": server.fingerprint, "server_id": server.server_id, "hostname": server.hostname}
    assert {name: problem[name] for name in facts} == facts
    assert not Installation.objects.exists()


def test_same_file_again_leads_to_its_receipt(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    content = server.file(LINES)
    upload = bring(owner_api, server, content)
    again = bring(owner_api, server, content)
    work(upload)

    problem = owner_api.post(UPLOADS, content).json()

    assert again["id"] == upload["id"] == problem["id"]
    assert problem["receipt_url"] == looked_at(owner_api, upload)["receipt_url"]


@pytest.mark.parametrize("code", ["bad_signature", "payload_too_large", "older_than_held"])
def test_refusal_at_once_has_its_code(code: str, owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    content = AT_ONCE[code](ledger, server)

    response = owner_api.post(f"{UPLOADS}?fingerprint={server.fingerprint}", content)

    problem = response.json()
    expected = {"bad_signature": 422, "payload_too_large": 413, "older_than_held": 409}[code]
    assert (response.status_code, problem["code"]) == (expected, code)
    assert set(problem) >= {"message", "documentation_url", "status"}
    assert (problem["message"].endswith("."), problem["documentation_url"][:15]) == (True, "docs/formats.md")


def test_refusal_after_reading_is_told_where_one_asks(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    upload = bring(owner_api, server, WHEN_READ["truncated"](ledger, server))
    work(upload)

    now = looked_at(owner_api, upload)

    assert (now["state"], now["code"], now["receipt_url"]) == ("FAILURE", "truncated", None)
    assert now["message"].endswith(".")


def test_too_large_a_file_is_refused_before_it_is_read(owner_api: Api, ledger: Ledger) -> None:
    response = owner_api.post(UPLOADS, b"", CONTENT_LENGTH=str(MAX_BYTES + 1))

    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")


def test_length_has_to_be_stated(owner_api: Api, ledger: Ledger) -> None:
    response = owner_api.client.post(
        f"/api/v3{UPLOADS}",
        headers={"Authorization": owner_api.credential, "Transfer-Encoding": "chunked"},
        CONTENT_LENGTH="",
    )

    assert response.status_code == 411


def test_upload_that_is_cut_off_leaves_nothing(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    content = server.file(LINES)
    environ = {"wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content) + 1)}

    response = owner_api.client.post(
        f"/api/v3{UPLOADS}?fingerprint={server.fingerprint}",
        headers={"Authorization": owner_api.credential},
        **environ,  # type: ignore[arg-type]
    )

    assert (response.status_code, response.json()["message"]) == (400, "The request was cut off.")
    assert [model.objects.count() for model in (StagedUpload, Installation)] == [0, 0]


@pytest.mark.parametrize("name", ["preview", "allow_shrink", "allow_rename"])
def test_parameter_that_is_neither_true_nor_false_is_refused(name: str, owner_api: Api, ledger: Ledger) -> None:
    response = owner_api.post(f"{UPLOADS}?{name}=perhaps", b"")

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


def test_uploads_are_slowed_down(owner_api: Api, ledger: Ledger) -> None:
    for _each in range(MAX_A_MINUTE):
        owner_api.post(UPLOADS, b"")

    response = owner_api.post(UPLOADS, b"")

    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")


def test_list_has_the_newest_first(reader_api: Api, ledger: Ledger, server: FileServer) -> None:
    applied(ledger, server)
    newer = new_server("ghes8.octo.example")
    applied(ledger, newer)

    listed = reader_api.get(f"{UPLOADS}?per_page=1")

    assert listed.json()["total_count"] == 2
    assert listed.json()["uploads"][0]["hostname"] == newer.hostname
    assert 'rel="next"' in listed["Link"]


@pytest.mark.parametrize("number", [1, 9])
def test_list_takes_a_fixed_number_of_queries(
    number: int, reader_api: Api, ledger: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for each in range(number):
        applied(ledger, new_server(f"ghes{each}.octo.example"))

    with django_assert_max_num_queries(7):
        uploads = reader_api.get(UPLOADS).json()["uploads"]

    assert [upload["difference"]["samples"] for upload in uploads] == [[]] * number


def test_owner_only_uploads(reader_api: Api, stranger_api: Api, anonymous: Api, ledger: Ledger) -> None:
    assert [api.post(UPLOADS, b"").status_code for api in (reader_api, stranger_api, anonymous)] == [403, 404, 401]


def test_upload_of_another_account_is_not_found(
    stranger_api: Api, owner_api: Api, ledger: Ledger, server: FileServer
) -> None:
    upload = bring(owner_api, server, server.file(LINES))

    assert stranger_api.get(f"{UPLOADS}/{upload['id']}").status_code == 404
    assert owner_api.get(f"{UPLOADS}/0").status_code == 404


def test_upload_is_in_the_audit_log(owner_api: Api, ledger: Ledger, server: FileServer) -> None:
    bring(owner_api, server, server.file(LINES))

    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"enterprise_installation.register", "license.upload"} <= actions
