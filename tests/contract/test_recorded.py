"""What was said in a past format is still understood: each side of a recorded conversation meets today's other side."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from cloud import intake, reports, services
from cloud.models import Intake, Ledger
from connect.models import Connection
from enterprises.models import User
from licensesync import services as console
from licensesync.models import SyncJob
from licensesync.snapshot import outgoing
from tests.contract.recorded import (
    AT,
    DATA,
    Conversation,
    Exchange,
    RecordedCloud,
    exchange_of,
    meaning,
    missing_from,
    set_up_cloud,
    set_up_server,
    speak,
)
from tests.support.line import make_ledger, make_server
from wire import signing
from wire.messages import FORMATS, Receipt
from wire.parts import unpack

RECORDED = [Conversation(DATA / f"conversation-{number}") for number in FORMATS]


@pytest.fixture(params=RECORDED, ids=lambda recorded: recorded.folder.name)
def recorded(request: pytest.FixtureRequest) -> Iterator[Conversation]:
    """One conversation for each format that is spoken, at the time at which it was held."""
    with time_machine.travel(AT, tick=False):
        conversation: Conversation = request.param
        yield conversation


def ask(exchange: Exchange, token: str) -> tuple[int, str]:
    """Send a recorded request to today's cloud, with the token that this one gave out."""
    headers = dict(exchange.headers)
    content_type = headers.pop("Content-Type", "application/json")
    if token and "lss_" in headers["Authorization"]:
        headers["Authorization"] = f"Bearer {token}"
    host = settings.BASE_URL.removeprefix("http://")
    answer = Client(headers={"Host": host}).generic(
        exchange.method, exchange.path, exchange.sent, content_type=content_type, headers=headers
    )
    for pk in Intake.objects.filter(state=Intake.State.APPLYING).values_list("pk", flat=True):
        intake.apply(pk, timezone.now)
    return answer.status_code, answer.content.decode()


@pytest.mark.django_db
def test_cloud_answers_a_past_server_as_the_cloud_of_that_time(recorded: Conversation) -> None:
    ledger = set_up_cloud(recorded)
    key = signing.load_identity_key(recorded.scene.receipt_key).public_key()
    token, receipts = "", 0

    for number, exchange in enumerate(recorded.exchanges):
        status, said = ask(exchange, token)
        if exchange.path.endswith("/access_tokens"):
            token = json.loads(said)["token"]
            said = said.replace(token, json.loads(exchange.answer)["token"])
        if number > 0 and (receipt := json.loads(said or "{}").get("receipt")):
            receipts += bool(signing.verify(receipt, Receipt, typ=signing.RECEIPT, key=key))
        place = f"{number} {exchange.method} {exchange.path}"
        assert (status, missing_from(meaning(said), meaning(exchange.answer))) == (exchange.status, []), place

    assert receipts == 2
    assert "".join(reports.csv_lines(ledger)).splitlines() == recorded.text("consumed-licenses.csv").splitlines()


@pytest.mark.django_db
def test_server_understands_a_past_cloud_and_says_what_that_one_needs(recorded: Conversation) -> None:
    connection, cloud = set_up_server(recorded), RecordedCloud(iter(recorded.exchanges))

    jobs = speak(recorded, connection, cloud, wait=lambda _seconds: None)

    connection.refresh_from_db()
    assert [(job.state, job.error_code) for job in jobs] == [(SyncJob.State.SUCCEEDED, "")] * 4
    assert (connection.state, connection.base_revision) == (Connection.State.DISCONNECTED, 2)
    assert len(cloud.sent) == len(recorded.exchanges)
    for exchange, request in cloud.sent:
        now = exchange_of(request)
        assert (now.method, now.path) == (exchange.method, exchange.path)
        if exchange.is_part:
            assert unpack(now.sent) == unpack(exchange.sent)
        else:
            assert missing_from(meaning(now.body), meaning(exchange.body)) == [], now.path
            assert now.headers.items() >= exchange.headers.items()


def test_past_files_are_imported_as_then(recorded: Conversation, owner: User) -> None:
    server, ledger = make_server("octo-server", owner=owner), make_ledger("octo", owner=owner)

    console.import_seats(server=server, stream=recorded.open("seats.ndjson"), by=None, at=AT)
    first = outgoing(server).sha256
    console.import_seats(server=server, stream=recorded.open("seats.csv"), by=None, at=AT, partial=True)
    services.import_members(ledger=ledger, stream=recorded.open("members.ndjson"), by=None, at=AT)

    openings = [json.loads(each.body) for each in recorded.exchanges if each.path.endswith("/license-syncs")]
    assert (first, outgoing(server).sha256) == (openings[0]["sha256"], openings[-1]["sha256"])
    assert Ledger.objects.get().consumed == 13


def test_past_report_is_read_as_a_list_of_members(recorded: Conversation, owner: User) -> None:
    ledger = make_ledger("octo", owner=owner)

    change = services.import_members(ledger=ledger, stream=recorded.open("consumed-licenses.csv"), by=None, at=AT)

    named = [row for row in recorded.text("consumed-licenses.csv").splitlines()[1:] if not row.startswith(",")]
    assert change.added == len(named) == 16


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"sha256": None}, ".sha256"),
        ({"base": {"revision": 1}}, ".base.snapshot_id"),
        ({"formats": [2]}, ".formats"),
        ({"parts": [{"number": 1}]}, ".parts[0].number"),
    ],
)
def test_what_is_not_said_any_more_is_noticed(change: dict[str, Any], place: str) -> None:
    recorded = {
        "sha256": "ab", "base": {"revision": 1, "snapshot_id": "x"}, "formats": [1], "parts": [{"number": 2}],
    }  # fmt: skip
    newer = copy.deepcopy(recorded) | {"formats": [1, 2], "more": True}
    assert missing_from(newer, recorded) == []

    assert missing_from(newer | change, recorded) == [place]
