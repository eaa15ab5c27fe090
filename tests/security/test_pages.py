"""Whatever is asked for and by whatever name: never in a frame, never under another host, never elsewhere."""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from enterprises.models import Enterprise, Scope, User
from tests.cloud_api.servers import Api
from tests.factories import NOW, make_token

PAGES = ["/", "/account/sign-in", "/no-such-page", "/account/preferences", "/api/v3/app", "/api/v3/no-such-thing"]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_shown_in_a_frame(path: str, client: Client, db: None) -> None:
    answer = client.get(path)

    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "localhost@evil.example", "localhost:1\\@x"]
)
def test_other_hosts_are_refused_and_not_repeated(host: str, path: str, client: Client, db: None) -> None:
    answer = client.get(path, HTTP_HOST=host)

    assert answer.status_code in {400, 404}
    assert "evil" not in f"{answer.content.decode()}{answer.headers}"


def test_forwarded_host_of_a_stranger_is_not_believed(client: Client, server_enterprise: Enterprise) -> None:
    answer = client.get("/", HTTP_X_FORWARDED_HOST="evil.example", REMOTE_ADDR="203.0.113.9")

    assert answer["Location"] == "/account/sign-in"


@pytest.mark.parametrize("action", ["language", "theme"])
@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example/",
        "/\t/evil.example/",
        "\x00//evil.example",
        "/fine\r\nSet-Cookie: planted=1",
    ],
)
def test_forms_of_everybody_lead_back_to_us_only(action: str, target: str, client: Client, db: None) -> None:
    answer = client.post(f"/account/{action}", {"next": target})

    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith(("//", "/\\"))
    assert not any(mark in answer["Location"] for mark in "\r\n\t")
    assert "planted" not in answer.cookies


def queries_of(client: Client, path: str, status: int) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == status
    return [
        query["sql"].replace("octo-server", "SLUG").replace("no-such-one", "SLUG") for query in seen.captured_queries
    ]


def test_foreign_and_unknown_slugs_cost_the_same_queries(stranger: User, server_enterprise: Enterprise) -> None:
    client = Client()

    with time_machine.travel(NOW, tick=False):
        client.force_login(stranger)
        foreign, unknown = (
            queries_of(client, f"/enterprises/{slug}/settings/license", 404) for slug in ("octo-server", "no-such-one")
        )

    assert foreign == unknown
    assert any("SLUG" in query for query in foreign)


def test_api_answers_foreign_and_unknown_slugs_alike(stranger: User, cloud_enterprise: Enterprise) -> None:
    _row, secret = make_token(stranger, Scope.ADMIN_ENTERPRISE)
    api = Api(f"Bearer {secret}")
    paths = [f"/enterprises/{slug}/consumed-licenses" for slug in ("octo", "no-such-one")]
    api.get(paths[0])
    answers, counts = [], []

    for path in paths:
        with CaptureQueriesContext(connection) as seen:
            answers.append(api.get(path))
        counts.append(len(seen))

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    assert counts[0] == counts[1] > 0
