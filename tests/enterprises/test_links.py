"""One-time sign-in links: used up by the button only, once, within fifteen minutes, and never written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client

from enterprises.models import AuditEvent, SignInLink, User
from enterprises.services import LinkNotValid, sign_in_link, use_sign_in_link
from tests.factories import NOW

PAGE = "/account/link"


def test_button_signs_in(client: Client, owner: User) -> None:
    with time_machine.travel(NOW, tick=False):
        secret = sign_in_link(user=owner, at=NOW).secret

        assert client.get(PAGE).status_code == 200
        assert client.post(PAGE, {"secret": secret})["Location"] == "/"
        assert client.get("/").context["user"] == owner


def test_link_works_once(owner: User) -> None:
    secret = sign_in_link(user=owner, at=NOW).secret

    assert use_sign_in_link(secret=secret, at=NOW) == owner
    with pytest.raises(LinkNotValid):
        use_sign_in_link(secret=secret, at=NOW)


def test_link_expires(owner: User) -> None:
    secret = sign_in_link(user=owner, at=NOW).secret

    with pytest.raises(LinkNotValid):
        use_sign_in_link(secret=secret, at=NOW + timedelta(minutes=15))


def test_link_of_somebody_locked_out_is_dead(owner: User) -> None:
    secret = sign_in_link(user=owner, at=NOW).secret
    owner.is_active = False
    owner.save(update_fields=["is_active"])

    with pytest.raises(LinkNotValid):
        use_sign_in_link(secret=secret, at=NOW)
    with pytest.raises(ValidationError):
        sign_in_link(user=owner, at=NOW)


def test_dead_link_says_so_and_signs_nobody_in(client: Client, owner: User) -> None:
    answer = client.post(PAGE, {"secret": "lss_nobody-ever-made-this"})

    assert answer.status_code == 422
    assert "Ask for another" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_session_is_a_new_one(client: Client, owner: User) -> None:
    session = client.session
    session["planted"] = True
    session.save()

    with time_machine.travel(NOW, tick=False):
        client.post(PAGE, {"secret": sign_in_link(user=owner, at=NOW).secret})

    assert client.session.session_key != session.session_key


def test_secret_is_nowhere(owner: User) -> None:
    secret = sign_in_link(user=owner, at=NOW).secret

    kept = f"{list(SignInLink.objects.values())}{list(AuditEvent.objects.values())}"
    assert secret not in kept
    assert "sign_in_link.create" in kept
