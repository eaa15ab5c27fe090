"""No mail holds a secret, because none is sent: neither by us nor by what we build on, whatever happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import time_machine
from django.core import mail
from django.test import Client
from pytest_django import Settings

from enterprises.models import Enterprise, User
from enterprises.services import sign_in_link
from enterprises.setup_codes import setup_secret
from tests.factories import NOW, PASSWORD
from tests.security.examples import OCTO_SETUP

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "enterprises", "connect", "licensesync", "cloud", "wire")
SENDS = re.compile(
    r"core\.mail\b(?!\.backends)|send_mail|mail_(admins|managers)|email_user|EmailMessage|AdminEmailHandler|smtplib"
)
NEW = "another-long-passphrase"


@pytest.fixture(autouse=True)
def everybody_has_an_address(settings: Settings) -> None:
    """As somebody may have who changes the settings: Django would mail them the traceback of every failure."""
    settings.ADMINS = settings.MANAGERS = [("Olivia", "olivia@octo.example")]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_sends_mail(package: str) -> None:
    """Whoever writes the first one plants secrets around it, and looks for them in it, here."""
    files = [*(ROOT / package).rglob("*.py")]

    assert files
    assert [path for path in files if SENDS.search(path.read_text())] == []


def test_signing_in_and_changing_the_password_mails_nothing(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(email="olivia@octo.example")
    with time_machine.travel(NOW, tick=False):
        client.post("/account/sign-in", {"login": "olivia", "password": "wrong"})
        client.post("/account/link", {"secret": sign_in_link(user=owner, at=NOW).secret})
        client.post("/account/password", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
        client.post("/account/sign-out")
        client.post("/account/sign-in", {"login": "olivia", "password": NEW})
        assert client.get("/").context["user"] == owner

    assert mail.outbox == []


def test_first_owner_is_mailed_nothing(client: Client, db: None) -> None:
    assert client.post("/setup", {**OCTO_SETUP, "code": setup_secret()}).status_code == 302

    assert mail.outbox == []


@pytest.mark.urls("tests.security.test_error_pages")
@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_failures_mail_nobody(status: int, client: Client, server_enterprise: Enterprise) -> None:
    client.raise_request_exception = False

    assert client.post(f"/fail/{status}", {"password": "planted"}).status_code == status

    assert mail.outbox == []
