"""How much, and how often: what is over a limit is refused, and leaves nothing."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cloud.api import throttling
from cloud.members import MembersInvalid, files
from cloud.models import Ledger
from enterprises import uploads
from enterprises.models import StagedUpload, User
from licensesync.seats import reading
from licensesync.seats.rows import SeatsInvalid
from tests.cloud.books import member
from tests.cloud_api.servers import Api, FakeServer, code_of
from tests.factories import make_role, make_token
from tests.licensesync.world import make_server, ndjson

# Requests are counted by the minute, so the tests stand still in one.
NOON = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)
MEMBERS = b"".join(json.dumps(member(number, f"person-{number}")).encode() + b"\n" for number in range(1, 4))


def of_a_server(ledger: Ledger, _owner: User) -> Api:
    server = FakeServer()
    installation = server.installed(ledger)
    app = Api(f"Bearer {server.jwt(installation.pk)}")
    return Api(f"token {app.post(f'/app/installations/{installation.pk}/access_tokens').json()['token']}")


def of_an_app(ledger: Ledger, _owner: User) -> Api:
    server = FakeServer()
    return Api(f"Bearer {server.jwt(server.installed(ledger).pk)}")


def of_a_person(_ledger: Ledger, owner: User) -> Api:
    return Api(f"token {make_token(owner, at=timezone.now())[1]}")


ANYTHING = {
    of_a_server: "/enterprise-installation/license-syncs/x",
    of_an_app: "/app",
    of_a_person: "/enterprises/octo/consumed-licenses",
}


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize("caller", ANYTHING, ids=lambda caller: caller.__name__)
def test_right_credentials_have_a_rate(
    caller: Callable[[Ledger, User], Api],
    ledger: Ledger,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says who is slowed down: behind one proxy the address does not."""
    api, other = caller(ledger, owner), caller(ledger, owner)
    monkeypatch.setattr(throttling, "MAX_REQUESTS", 3)

    answers = [api.get(ANYTHING[caller]) for _each in range(4)]

    assert answers[0].status_code != 429
    assert (answers[-1].status_code, code_of(answers[-1]), answers[-1]["Retry-After"]) == (429, "rate_limited", "50")
    (slowed,) = [record for record in caplog.records if record.message == "Attempts are slowed down."]
    assert re.fullmatch(r"requests:api:(server|token):\d+", vars(slowed)["counter"])
    assert other.get(ANYTHING[caller]).status_code != 429
    with time_machine.travel(NOON + timedelta(seconds=50), tick=False):
        assert api.get(ANYTHING[caller]).status_code != 429


@pytest.fixture
def importing(ledger: Ledger, owner: User) -> Callable[[str], str]:
    """The page on which files of each purpose are chosen."""
    server = make_server().enterprise
    make_role(owner, server)
    return lambda purpose: (
        f"/enterprises/{server.slug if purpose == 'seats' else ledger.enterprise.slug}/settings/{purpose}"
    )


FILES = pytest.mark.parametrize(("purpose", "data"), [("seats", ndjson(range(1, 4))), ("members", MEMBERS)])


def send_file(client: Client, path: str, data: bytes) -> int:
    return client.post(path, {"file": SimpleUploadedFile("file", data)}).status_code


@time_machine.travel(NOON, tick=False)
@FILES
def test_uploads_have_a_rate(
    purpose: str,
    data: bytes,
    importing: Callable[[str], str],
    owner_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "MAX_A_MINUTE", 2)
    path = importing(purpose)

    assert [send_file(owner_client, path, data) for _each in range(3)] == [302, 302, 429]
    # The newer one took the place of the older one.
    waiting = StagedUpload.objects.get()
    answer = owner_client.get(f"{path}/{waiting.pk}")
    assert (answer.status_code, answer["Retry-After"]) == (429, "50")


@FILES
def test_file_that_is_too_large_leaves_nothing(
    purpose: str,
    data: bytes,
    importing: Callable[[str], str],
    owner_client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", len(data) - 1)

    assert send_file(owner_client, importing(purpose), data) == 422
    assert not StagedUpload.objects.exists()


def test_form_that_is_too_large_is_refused(client: Client, db: None) -> None:
    large = client.post("/account/sign-in", {"login": "x" * 1_100_000, "password": "x"})
    many = client.post("/account/sign-in", {f"field-{number}": "x" for number in range(1_100)})
    urlencoded = "application/x-www-form-urlencoded"
    plain = client.generic("POST", "/account/sign-in", b"login=" + b"x" * 1_100_000, content_type=urlencoded)

    assert (large.status_code, plain.status_code) == (413, 413)
    assert many.status_code == 400


def test_file_of_too_many_members_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_MEMBERS", 2)

    with pytest.raises(MembersInvalid, match="Line 3: the file lists more than 2 members"):
        list(files.read_members(io.BytesIO(MEMBERS)))


@pytest.mark.parametrize(("addresses", "is_good"), [(100, True), (101, False)])
def test_member_with_too_many_addresses_is_refused(addresses: int, is_good: bool) -> None:
    emails = [{"email": f"m{number}@octo.example", "verified": True} for number in range(addresses)]
    line = json.dumps({"id": 1, "login": "mona", "emails": emails}).encode()

    if is_good:
        assert len(list(files.read_members(io.BytesIO(line)))) == 1
    else:
        with pytest.raises(MembersInvalid, match="Line 1: a member has more than 100 addresses"):
            list(files.read_members(io.BytesIO(line)))


def test_file_of_too_many_seats_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_SEATS", 2)

    with pytest.raises(SeatsInvalid, match="Line 3: the file lists more than 2 accounts"):
        list(reading.read_seats(io.BytesIO(ndjson(range(1, 4)))))
