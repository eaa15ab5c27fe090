"""Whom the console believes about a caller, and the headers of every answer."""

from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.middleware import trusted_proxies


def seen(request: HttpRequest) -> HttpRequest:
    trusted_proxies(lambda _request: HttpResponse())(request)
    return request


@pytest.fixture
def _behind_a_proxy(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]


def test_forwarded_headers_of_a_stranger_are_dropped(rf: RequestFactory) -> None:
    request = seen(
        rf.get("/", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="198.51.100.1", HTTP_X_FORWARDED_PROTO="https")
    )

    assert request.META["REMOTE_ADDR"] == "203.0.113.9"
    assert not request.is_secure()


@pytest.mark.usefixtures("_behind_a_proxy")
def test_trusted_proxy_names_caller_and_scheme(rf: RequestFactory) -> None:
    request = seen(
        rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1", HTTP_X_FORWARDED_PROTO="https")
    )

    assert request.META["REMOTE_ADDR"] == "198.51.100.1"
    assert request.is_secure()


@pytest.mark.usefixtures("_behind_a_proxy")
def test_proxy_is_known_on_a_socket_of_both_protocols_too(rf: RequestFactory) -> None:
    forwarded = "198.51.100.1, ::ffff:10.0.0.2"

    request = seen(rf.get("/", REMOTE_ADDR="::ffff:10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded))

    assert request.META["REMOTE_ADDR"] == "198.51.100.1"


@pytest.mark.usefixtures("_behind_a_proxy")
def test_caller_cannot_write_the_address_it_is_seen_with(rf: RequestFactory) -> None:
    forwarded = "192.0.2.66, 198.51.100.1, 10.0.0.2"

    request = seen(rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded))

    assert request.META["REMOTE_ADDR"] == "198.51.100.1"


@pytest.mark.usefixtures("_behind_a_proxy")
def test_nonsense_in_the_chain_is_not_an_address(rf: RequestFactory) -> None:
    request = seen(rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="198.51.100.1, <script>"))

    assert request.META["REMOTE_ADDR"] == "10.0.0.1"


def test_every_answer_carries_the_security_headers(client: Client) -> None:
    headers = client.get("/healthz").headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_cookie_with_a_nul_is_refused(client: Client, settings: LazySettings, db: None) -> None:
    """Quoted, it passes every server of HTTP, and PostgreSQL takes none."""
    for name in (settings.SESSION_COOKIE_NAME, "other"):
        response = client.get("/", headers={"cookie": f'{name}="\\000\\000aaaaaaaa"'})

        assert response.status_code == 400
