"""The id of a request: whose word is taken for it, and how it reaches the lines of the request, its tasks and jobs."""

from __future__ import annotations

import json
import logging
import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from config.celery import app
from config.logs import ContextFilter, JsonFormatter, TextFormatter
from enterprises.log_context import lines_carry, log_context
from licensesync.models import SyncJob
from licensesync.tasks import run_sync
from tests.licensesync.world import make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings

GIVEN = "Root=1-5759e988-bd862e3fe1be46a994272793"
MADE = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def _behind_a_proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]


@pytest.fixture
def seen(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Records as our own handler passes them on."""
    the_filter = ContextFilter()
    caplog.handler.addFilter(the_filter)
    yield caplog
    caplog.handler.removeFilter(the_filter)


def test_every_answer_carries_an_id_of_its_own(client: Client) -> None:
    ids = [client.get(path)["X-Request-ID"] for path in ("/healthz", "/healthz", "/nowhere", "/api/v3/app")]

    assert all(MADE.fullmatch(each) for each in ids)
    assert len(set(ids)) == len(ids)


def test_id_that_a_stranger_sends_is_not_taken_over(client: Client) -> None:
    assert MADE.fullmatch(client.get("/healthz", headers={"X-Request-ID": GIVEN})["X-Request-ID"])


@pytest.mark.usefixtures("_behind_a_proxy")
def test_id_that_a_trusted_proxy_sends_is_taken_over(client: Client) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": GIVEN}, REMOTE_ADDR="10.0.0.1")

    assert answer["X-Request-ID"] == GIVEN


@pytest.mark.usefixtures("_behind_a_proxy")
@pytest.mark.parametrize(
    "given", ["short", "x" * 101, "id\nERROR config: forged", "id with spaces", "<script>", "né" * 9]
)
def test_what_is_no_id_is_replaced(client: Client, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given}, REMOTE_ADDR="10.0.0.1")

    assert MADE.fullmatch(answer["X-Request-ID"])


@pytest.mark.django_db
def test_lines_of_a_request_carry_its_id_and_those_after_it_none(
    client: Client, seen: pytest.LogCaptureFixture
) -> None:
    answer = client.post("/account/sign-in", {"login": "nobody", "password": "wrong-password"})

    (record,) = seen.records
    assert json.loads(JsonFormatter().format(record))["request_id"] == answer["X-Request-ID"]
    assert not log_context()


def test_extras_of_a_line_come_before_what_all_of_them_carry(seen: pytest.LogCaptureFixture) -> None:
    with lines_carry(job_id=1, task_id="t"), lines_carry(job_id=2):
        logging.getLogger("config").warning("Inner.")
        logging.getLogger("config").warning("Own.", extra={"job_id": 3})

    assert [TextFormatter().format(each) for each in seen.records] == [
        "WARNING config: Inner. job_id=2 task_id=t",
        "WARNING config: Own. job_id=3 task_id=t",
    ]


def sent_headers() -> dict[str, Any]:
    """Of the message that waits in the broker."""
    with redis.Redis.from_url(django_settings.BROKER_CACHE_URL) as broker:
        message = broker.lindex("licensesync", 0)
    assert isinstance(message, bytes)
    headers: dict[str, Any] = json.loads(message)["headers"]
    return headers


def test_message_carries_the_id_of_the_request_that_sent_it() -> None:
    with lines_carry(request_id=GIVEN):
        app.send_task("licensesync.tick")

    assert sent_headers()["request_id"] == GIVEN


def test_message_of_beat_carries_none() -> None:
    app.send_task("licensesync.tick")

    assert "request_id" not in sent_headers()


@pytest.mark.django_db
def test_lines_of_a_job_carry_request_task_and_job(seen: pytest.LogCaptureFixture) -> None:
    connection = make_world(is_enabled=False).connection
    job = SyncJob.objects.create(
        connection=connection, kind="usage", slot="sync", trigger="person", created_at=timezone.now()
    )

    done = run_sync.apply(kwargs={"job_id": job.pk}, headers={"request_id": GIVEN})

    lines = [json.loads(JsonFormatter().format(each)) for each in seen.records if each.name.startswith("licensesync")]
    assert [line["message"] for line in lines] == [
        "A sync job did not succeed.",
        "A worker is done with a sync job for now.",
    ]
    assert lines[1]["state"] == "cancelled"
    assert {(line["request_id"], line["task_id"], line["job_id"]) for line in lines} == {(GIVEN, done.id, job.pk)}
    assert not log_context()
