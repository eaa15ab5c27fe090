"""Whatever goes wrong, no page of it repeats a secret that came with the request, or one of our own."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as console
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from config import urls
from enterprises.models import Enterprise, User
from enterprises.uploads import MAX_REQUEST_BYTES
from tests.factories import PASSWORD

MARK = "lss_planted-secret-of-256-bits-0123456789"
JWT = f"{base64.urlsafe_b64encode(b'planted').decode()}.planted.planted"
COMPLETE = "/enterprises/octo-server/settings/dotcom_connection/complete"
FORM = {"login": MARK, "password": MARK, "secret": MARK, "code": MARK, "username": MARK, "csrfmiddlewaretoken": MARK}
FAILURES = {
    "400": SuspiciousOperation(MARK),
    "403": PermissionDenied(MARK),
    "404": Http404(MARK),
    "500": RuntimeError(MARK, JWT),
}

TOO_MUCH = str(MAX_REQUEST_BYTES + 1)

pytestmark = [pytest.mark.urls("tests.security.test_error_pages"), pytest.mark.django_db]


def fail(request: HttpRequest, name: str) -> HttpResponse:
    """With the secret in the exception, in a local name, and in what the request brought."""
    held = {"password": MARK, "all": request.POST}
    assert held
    raise FAILURES[name]


handler400 = urls.handler400
urlpatterns = [path("fail/<str:name>", fail), *urls.urlpatterns]

Ask = Callable[[Client], Any]


def asks_for(address: str) -> Ask:
    return lambda client: client.post(address, FORM)


ASKED: dict[str, tuple[int, Ask]] = {
    "no such page": (404, lambda client: client.get(f"/none/{MARK}?code={MARK}")),
    "a callback that is not mine": (404, lambda client: client.get(f"{COMPLETE}?code={MARK}&state={MARK}")),
    "a host that is not ours": (400, lambda client: client.get(f"/?code={MARK}", HTTP_HOST="evil.example")),
    "a broken form": (400, lambda client: client.post("/account/link", {f"planted-{n}": "x" for n in range(1_001)})),
    "too large a form": (
        413,
        lambda client: client.post("/account/link", FORM, CONTENT_LENGTH=TOO_MUCH),
    ),
    "a form without its token": (
        403,
        lambda _client: Client(enforce_csrf_checks=True).post("/account/sign-in", FORM),
    ),
    "a wrong method": (405, lambda client: client.get(f"/account/sign-out?token={MARK}")),
    **{name: (int(name), asks_for(f"/fail/{name}")) for name in FAILURES},
}


@pytest.fixture
def asking(client: Client, stranger: User, server_enterprise: Enterprise, settings: Settings) -> Client:
    """A browser that is signed in, brings secrets in every way there is, and does not see tracebacks of ours."""
    settings.HTTPS_PROXY = "http://octo:planted-proxy@proxy.example:3128"
    settings.EMAIL_HOST_PASSWORD = "planted-mail"
    client.force_login(stranger)
    client.raise_request_exception = False
    client.defaults |= {"HTTP_AUTHORIZATION": f"Bearer {MARK}", "HTTP_REFERER": f"http://testserver/?t={MARK}"}
    client.cookies["planted"] = MARK
    return client


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_error_page_repeats_no_secret(asked: str, asking: Client) -> None:
    status, ask = ASKED[asked]
    session = str(asking.session.session_key)

    answer = ask(asking)

    shown = f"{answer.content.decode()}{answer.headers}{answer.cookies}"
    assert answer.status_code == status
    assert "planted" not in shown
    assert JWT not in shown
    assert not any(secret in shown for secret in (console.SECRET_KEY, *console.FIELD_ENCRYPTION_KEYS, session))


def test_refused_attempts_repeat_no_secret(client: Client, owner: User) -> None:
    """Also where the form comes back, and where it does not any more."""
    answers = [client.post("/account/link", {"secret": MARK}) for _guess in range(11)]
    answers += [client.post("/account/sign-in", {"login": "olivia", "password": MARK}) for _guess in range(6)]

    assert {answer.status_code for answer in answers} == {200, 422, 429}
    assert not any("planted" in answer.content.decode() for answer in answers)


def test_page_of_a_mistake_gives_no_password_back(client: Client, owner_client: Client) -> None:
    changed = {"oldpassword": PASSWORD, "password1": "planted-one", "password2": "planted-two"}

    answer = owner_client.post("/account/password", changed)

    assert answer.context["form"].errors
    assert "planted" not in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
