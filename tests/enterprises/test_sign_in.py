"""Signing in with a password: guarded against guessing and fixation, and silent about who exists."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import NoReverseMatch, reverse

from enterprises.models import User
from tests.factories import PASSWORD, make_user

SIGN_IN = "/account/sign-in"


def sign_in(client: Client, username: str, password: str, **extra: str) -> str:
    """Where the browser is sent, or the words of the error."""
    answer = client.post(SIGN_IN, {"login": username, "password": password, **extra})
    if answer.status_code == 302:
        return str(answer["Location"])
    return "Too many" if answer.status_code == 429 else str(answer.context["form"].non_field_errors())


def test_password_leads_home(client: Client, owner: User) -> None:
    assert sign_in(client, "olivia", PASSWORD) == "/"
    assert client.get("/").status_code == 200


def test_username_is_read_in_any_case(client: Client, owner: User) -> None:
    assert sign_in(client, " Olivia ", PASSWORD) == "/"


def test_next_leads_back(client: Client, owner: User) -> None:
    assert sign_in(client, "olivia", PASSWORD, next="/account/preferences") == "/account/preferences"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_next_does_not_lead_elsewhere(target: str, client: Client, owner: User) -> None:
    assert sign_in(client, "olivia", PASSWORD, next=target) == "/"


def test_wrong_unknown_and_locked_out_read_alike(client: Client, owner: User) -> None:
    locked_out = make_user("lou")
    User.objects.filter(pk=locked_out.pk).update(is_active=False)

    errors = {
        sign_in(client, "olivia", "wrong"),
        sign_in(client, "nobody", PASSWORD),
        sign_in(client, "lou", PASSWORD),
        sign_in(client, "lou", "wrong"),
    }

    assert len(errors) == 1
    assert "not correct" in errors.pop()


def test_get_never_signs_in(client: Client, owner: User) -> None:
    client.get(SIGN_IN, {"login": "olivia", "password": PASSWORD})

    assert "_auth_user_id" not in client.session


def test_session_is_a_new_one_after_signing_in(client: Client, owner: User) -> None:
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key

    sign_in(client, "olivia", PASSWORD)

    assert client.session.session_key != before
    assert not client.session.exists(str(before))


def test_guessing_one_persons_password_is_slowed_down(client: Client, owner: User) -> None:
    for _attempt in range(5):
        sign_in(client, "olivia", "wrong")

    assert "Too many" in sign_in(client, "olivia", PASSWORD)


def test_guessing_from_one_address_is_slowed_down(client: Client, owner: User) -> None:
    answers = [sign_in(client, f"guess-{number}", "wrong") for number in range(31)]

    assert "not correct" in answers[0]
    assert "Too many" in sign_in(client, "olivia", PASSWORD)


def test_who_comes_to_a_form_without_it_sees_a_page(client: Client, owner: User) -> None:
    answer = client.get(sign_in(client, "olivia", PASSWORD, next="/account/sign-out"))

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "open the page again and press the button there" in answer.content.decode()


def test_sign_out_needs_a_post(owner_client: Client) -> None:
    assert owner_client.get("/account/sign-out").status_code == 405
    assert owner_client.get("/").status_code == 200


def test_sign_out_ends_the_session(owner_client: Client) -> None:
    key = owner_client.session.session_key

    answer = owner_client.post("/account/sign-out")

    assert answer["Location"] == SIGN_IN
    assert not owner_client.session.exists(str(key))
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["You are signed out."]


def test_sign_in_needs_the_forms_own_token(owner: User) -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.post(SIGN_IN, {"login": "olivia", "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("name", ["account_signup", "account_reset_password", "account_email"])
def test_pages_that_we_do_not_want_have_no_address(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_password_is_changed(owner_client: Client, client: Client, owner: User) -> None:
    new = "another-long-passphrase"

    answer = owner_client.post("/account/password", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert answer["Location"] == "/account/preferences"
    assert owner_client.get("/").status_code == 200
    assert sign_in(client, "olivia", new) == "/"


def test_weak_password_is_refused(owner_client: Client) -> None:
    answer = owner_client.post(
        "/account/password", {"oldpassword": PASSWORD, "password1": "12345678", "password2": "12345678"}
    )

    assert answer.status_code == 200
    assert answer.context["form"].errors


def test_anonymous_home_leads_to_sign_in_once_somebody_owns(client: Client, server_enterprise: object) -> None:
    assert client.get("/")["Location"] == SIGN_IN
