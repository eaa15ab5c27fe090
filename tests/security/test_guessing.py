"""Whoever guesses setup codes or one-time links is slowed down, logged, and nobody else's matter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from django.conf import settings as console
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from enterprises.models import User
from enterprises.services import sign_in_link
from enterprises.setup_codes import setup_secret
from tests.security.examples import OCTO_SETUP

# Attempts are counted by the minute, so the tests stand still in one.
NOON = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)
WRONG_CODE = "AAAAA-BBBBB-CCCCC-DDDDD"
ELSEWHERE = "203.0.113.9"


def try_link(client: Client, secret: str = "lss_nobody-ever-made-this", ip: str = "127.0.0.1") -> int:
    return client.post("/account/link", {"secret": secret}, REMOTE_ADDR=ip).status_code


def try_code(client: Client, code: str = WRONG_CODE, ip: str = "127.0.0.1") -> int:
    return client.post("/setup", {**OCTO_SETUP, "code": code}, REMOTE_ADDR=ip).status_code


def try_password(client: Client, ip: str) -> int:
    return client.post("/account/sign-in", {"login": f"nobody-{ip}", "password": "wrong"}, REMOTE_ADDR=ip).status_code


def check_slowed(attempt: Callable[..., int], client: Client, right: str) -> None:
    """The right one is not even looked at within the minute; another address and the next minute are free."""
    assert [attempt(client) for _guess in range(11)] == [422] * 10 + [429]
    assert attempt(client, right) == 429
    assert attempt(client, ip=ELSEWHERE) == 422
    with time_machine.travel(NOON + timedelta(seconds=50), tick=False):
        assert attempt(client, right) == 302


@time_machine.travel(NOON, tick=False)
def test_links_are_slowed_down(client: Client, owner: User) -> None:
    check_slowed(try_link, client, sign_in_link(user=owner, at=NOON).secret)


@time_machine.travel(NOON, tick=False)
def test_setup_codes_are_slowed_down(client: Client, db: None) -> None:
    check_slowed(try_code, client, setup_secret())


@time_machine.travel(NOON, tick=False)
def test_page_says_how_long_to_wait(client: Client, db: None) -> None:
    for _guess in range(10):
        try_link(client)

    answer = client.post("/account/link", {"secret": "lss_nobody-ever-made-this"})

    assert answer["Retry-After"] == "50"
    assert "Too many attempts" in answer.content.decode()


@time_machine.travel(NOON, tick=False)
def test_links_still_help_whoever_guessed_passwords_keep_out(client: Client, owner: User) -> None:
    for number in range(31):
        client.post("/account/sign-in", {"login": f"guess-{number}", "password": "wrong"})

    assert try_link(client, sign_in_link(user=owner, at=NOON).secret) == 302


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("attempt", "refused"), [(try_link, "A sign-in link was refused."), (try_code, "A setup code was refused.")]
)
def test_guesses_are_logged_up_to_the_limit(
    attempt: Callable[..., int], refused: str, client: Client, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    for _guess in range(13):
        attempt(client, ip=ELSEWHERE)

    assert caplog.messages == [refused] * 10 + ["Attempts are slowed down."]
    assert {vars(record)["ip"] for record in caplog.records} == {ELSEWHERE}


def test_counters_forget(client: Client, owner: User) -> None:
    """No address and no user name is held for longer than five minutes."""
    cache.clear()
    try_link(client)
    client.post("/account/sign-in", {"login": "olivia", "password": "wrong"})

    with redis.Redis.from_url(console.BROKER_CACHE_URL) as broker:
        lives = [broker.ttl(key) for key in broker.scan_iter(f"*{console.CACHES['default']['KEY_PREFIX']}*")]

    assert len(lives) >= 3
    assert all(0 < seconds <= 300 for seconds in lives)


def test_without_the_cache_nobody_is_kept_out(
    client: Client, owner: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere/valkey.sock"}}

    with time_machine.travel(NOON, tick=False):
        assert try_link(client, sign_in_link(user=owner, at=NOON).secret) == 302
    assert caplog.messages == ["The cache does not answer; attempts are not counted."]


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize("attempt", [try_link, try_password])
def test_addresses_of_one_ipv6_network_count_as_one(attempt: Callable[..., int], client: Client, db: None) -> None:
    """Whoever has one of them has all."""
    answers = [attempt(client, ip=f"2001:db8:0:1::{number:x}") for number in range(40)]

    assert answers[-1] == 429
    assert attempt(client, ip="2001:db8:0:2::1") != 429


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize("attempt", [try_link, try_password])
def test_ipv4_callers_in_ipv6_clothes_do_not_count_as_one(
    attempt: Callable[..., int], client: Client, db: None
) -> None:
    for number in range(40):
        assert attempt(client, ip=f"::ffff:203.0.113.{number}") != 429
