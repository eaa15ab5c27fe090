"""A person makes and revokes their own tokens on a page; the permission table says that nobody else does."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enterprises import token_views
from enterprises.access import authenticate_token
from enterprises.models import ApiToken, AuditEvent, Scope, User
from tests.factories import make_token

pytestmark = pytest.mark.django_db

URL = "/account/tokens"
NEW = {"name": "Nightly report", "scope": Scope.READ_ENTERPRISE, "days": "90"}


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def secret_in(page: str) -> str:
    (found,) = set(re.findall(r"lss_[\w-]+", page))
    return str(found)


def test_new_token_is_shown_once_and_opens_the_api(client: Client, owner: User) -> None:
    page = client.post(URL, NEW).content.decode()

    token = authenticate_token(f"Bearer {secret_in(page)}")
    assert token is not None
    assert (token.user, token.name, token.scopes) == (owner, "Nightly report", ["read:enterprise"])
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=5)
    assert "lss_" not in client.get(URL).content.decode()


def test_secret_is_in_no_audit_row(client: Client) -> None:
    secret = secret_in(client.post(URL, NEW).content.decode())

    (event,) = AuditEvent.objects.filter(action="api_token.create")
    assert event.actor_name == "olivia"
    assert secret not in str(vars(event))


def test_answer_with_the_secret_is_kept_by_no_cache(client: Client) -> None:
    assert "no-store" in client.post(URL, NEW)["Cache-Control"]


def test_token_without_an_end(client: Client, owner: User) -> None:
    client.post(URL, NEW | {"days": "0"})

    assert owner.api_tokens.get().expires_at is None


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"scope": "root"}, {"days": "-1"}, {"days": "7"}, {"name": "x" * 121}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, str], client: Client) -> None:
    assert client.post(URL, NEW | wrong).status_code == 422
    assert not ApiToken.objects.exists()


def test_nobody_has_more_than_a_certain_number(client: Client, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_views, "MAX_TOKENS", 2)

    statuses = [client.post(URL, NEW).status_code for _each in range(3)]

    assert (statuses, owner.api_tokens.count()) == ([200, 200, 422], 2)


def test_list_says_what_is_used_and_leaves_out_what_is_over(client: Client, owner: User) -> None:
    used, _secret = make_token(owner)
    over, _secret = make_token(owner, Scope.ADMIN_ENTERPRISE)
    ApiToken.objects.filter(pk=used.pk).update(last_used_at=timezone.now(), name="Used one")
    ApiToken.objects.filter(pk=over.pk).update(revoked_at=timezone.now(), name="Over one")

    page = client.get(URL).content.decode()

    assert "Used one" in page
    assert "Over one" not in page


def test_revoked_token_opens_nothing(client: Client, owner: User) -> None:
    token, secret = make_token(owner)
    url = reverse("revoke_token", args=(token.pk,))

    asked, done = client.get(url), client.post(url, follow=True)

    assert token.name in asked.content.decode()
    assert "The token is revoked" in done.content.decode()
    assert authenticate_token(f"token {secret}") is None
    assert AuditEvent.objects.filter(action="api_token.revoke", actor_name="olivia").count() == 1
    assert client.post(url).status_code == 404


def test_token_of_somebody_else_is_not_found(client: Client, stranger: User) -> None:
    token, secret = make_token(stranger)

    assert client.post(reverse("revoke_token", args=(token.pk,))).status_code == 404
    assert authenticate_token(f"token {secret}") is not None
