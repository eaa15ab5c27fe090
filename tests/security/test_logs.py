"""Whoever guesses leaves a trace without the guess, and nobody writes lines into the log that are not ours."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from cloud.models import Installation
from config.logs import JsonFormatter, TextFormatter
from enterprises.models import User
from enterprises.setup_codes import setup_secret
from tests.cloud_api.servers import Api, FakeServer
from tests.security.examples import OCTO_SETUP

# Attempts are counted by the minute, so the test that counts stands still in one.
NOON = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)
FORGED = "x\nERROR config: The database is gone.\r\x1b[2J\u2028y\x85z"


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "cloud.api", "levelname": "WARNING", "msg": message})
    vars(made).update(extra)
    return made


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_one_record_is_one_line(formatter: logging.Formatter) -> None:
    line = formatter.format(record(f"Refused {FORGED}", host=FORGED))

    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_no_line_of_a_traceback_looks_like_a_record() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        failed = record("It broke.", exc_info=(ValueError, error, error.__traceback__))

    first, *rest = TextFormatter().format(failed).splitlines()

    assert first == "WARNING cloud.api: It broke."
    assert rest
    assert all(line.startswith("  ") for line in rest)


@pytest.mark.parametrize(
    "request_of_a_stranger",
    [{"headers": {"host": "evil example"}}, {"QUERY_STRING": "&".join(f"a{number}" for number in range(1_100))}],
    ids=["host", "fields"],
)
def test_refusal_is_one_line(
    request_of_a_stranger: dict[str, Any], client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Django's own record has a traceback, so that whoever sends such requests fills the disk."""
    assert client.get("/account/sign-in", **request_of_a_stranger).status_code == 400

    (seen,) = caplog.records
    (handler,) = (each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler)
    assert handler.filter(seen)
    assert len(handler.format(seen).splitlines()) == 1


def test_wrong_password_is_logged_without_it(client: Client, owner: User, caplog: pytest.LogCaptureFixture) -> None:
    client.post("/account/sign-in", {"login": "olivia", "password": "guess-of-mine"}, REMOTE_ADDR="203.0.113.9")

    (seen,) = caplog.records
    line = TextFormatter().format(seen)
    assert line.startswith("WARNING enterprises.sign_in: A password was refused. ip=203.0.113.9 request_id=")
    assert "guess-of-mine" not in line


def test_slowing_down_a_password_is_logged(client: Client, owner: User, caplog: pytest.LogCaptureFixture) -> None:
    for _attempt in range(6):
        client.post("/account/sign-in", {"login": "olivia", "password": "wrong"})

    assert caplog.messages[-1] == "Attempts to sign in are slowed down."


def test_wrong_setup_code_is_logged_without_it(client: Client, db: None, caplog: pytest.LogCaptureFixture) -> None:
    setup_secret()

    client.post("/setup", {**OCTO_SETUP, "code": "AAAAA-BBBBB-CCCCC-DDDDD"})

    assert caplog.messages == ["A setup code was refused."]
    assert "AAAAA" not in TextFormatter().format(caplog.records[0])


def test_wrong_link_is_logged_without_it(client: Client, owner: User, caplog: pytest.LogCaptureFixture) -> None:
    client.post("/account/link", {"secret": "lss_nobody-ever-made-this"})

    assert caplog.messages == ["A sign-in link was refused."]
    assert "nobody-ever" not in str(vars(caplog.records[0]))


@time_machine.travel(NOON, tick=False)
def test_guessed_credentials_are_logged_up_to_the_limit(
    anonymous: Api, installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """One line more than the limit, so that whoever guesses cannot fill the disk with lines."""
    anonymous.credential = "token lss_guess-of-somebody"

    for _attempt in range(40):
        anonymous.get("/enterprise-installation/license-syncs/x")

    assert caplog.messages == ["A credential was refused."] * 30 + ["Attempts are slowed down."]
    assert "guess-of" not in str([vars(seen) for seen in caplog.records])


def test_true_credentials_leave_no_such_line(
    server: FakeServer, installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    assert Api(f"Bearer {server.jwt(installation.pk)}").get("/app").status_code == 200
    assert caplog.messages == []
