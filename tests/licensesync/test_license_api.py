"""GET /enterprise/settings/license answers as GHES does; the permission table says who may ask."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from connect.models import Server
from enterprises.models import User
from licensesync import services
from licensesync.views import api
from tests.factories import make_role, make_token, make_user
from tests.licensesync.world import make_server, ndjson, seat

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon(time_machine: time_machine.TimeMachineFixture) -> None:
    time_machine.move_to(AT, tick=False)


@pytest.fixture
def server() -> Server:
    return make_server()


@pytest.fixture
def admin(server: Server) -> User:
    user = make_user("olga")
    make_role(user, server.enterprise)
    return user


def ask(admin: User, query: str = "", method: str = "GET") -> Any:
    headers = {"authorization": f"token {make_token(admin, at=AT)[1]}"}
    return Client().generic(method, f"/api/v3/enterprise/settings/license{query}", headers=headers)


def licensed(server: Server, seats: int | None, days: int | None) -> None:
    seat(server, ndjson(range(1, 13)))
    expires_on = None if days is None else (AT + timedelta(days=days)).date()
    services.set_license(server=server, customer="Octo", seats=seats, expires_on=expires_on, by=None, at=AT)


def test_license_has_the_fields_of_ghes(server: Server, admin: User) -> None:
    licensed(server, 50, 365)

    assert json.loads(ask(admin).content) == {
        "seats": 50,
        "seats_used": 12,
        "seats_available": 38,
        "kind": "standard",
        "days_until_expiration": 365,
        "expire_at": "2027/11/24 23:59:59 +0000",
    }


def test_unlimited_license_without_an_end(server: Server, admin: User) -> None:
    licensed(server, None, None)

    assert json.loads(ask(admin).content) == {
        "seats": "unlimited",
        "seats_used": 12,
        "seats_available": "unlimited",
        "kind": "standard",
    }


def test_over_use_is_told_and_is_no_error(server: Server, admin: User) -> None:
    licensed(server, 10, -3)

    answer = json.loads(ask(admin).content)

    assert (answer["seats_used"], answer["seats_available"], answer["days_until_expiration"]) == (12, 0, -3)


def test_server_is_named_where_there_are_several(server: Server, admin: User) -> None:
    licensed(server, 50, 365)
    make_role(admin, make_server("second").enterprise)

    unnamed, named, foreign = (
        ask(admin, query) for query in ("", f"?enterprise={server.enterprise.slug}", "?enterprise=x y")
    )

    assert (unnamed.status_code, named.status_code, foreign.status_code) == (422, 200, 404)
    assert json.loads(unnamed.content)["message"] == "Several servers are yours here; name one: ?enterprise=SLUG"


def test_refusals_have_the_shape_of_the_api(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MAX_FAILURES", 1)
    wrong = {"authorization": "token lss_wrong"}

    def guess() -> Any:
        return Client().get("/api/v3/enterprise/settings/license", headers=wrong)

    answers = [ask(admin), ask(admin, method="POST"), guess(), guess()]

    assert [(answer.status_code, json.loads(answer.content)["status"]) for answer in answers] == [
        (404, "404"),
        (405, "405"),
        (401, "401"),
        (429, "429"),
    ]


def test_right_token_has_a_rate(server: Server, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    licensed(server, 50, 365)
    monkeypatch.setattr(api, "MAX_REQUESTS", 1)
    headers = {"authorization": f"token {make_token(admin, at=AT)[1]}"}

    answers = [Client().get("/api/v3/enterprise/settings/license", headers=headers) for _each in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1]["Retry-After"] == "60"
