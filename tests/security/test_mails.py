"""No mail holds a secret: one module sends any, about causes that hold none, and what we build on sends none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.test import Client
from pytest_django import Settings

from connect.models import Connection
from enterprises import notice_mails
from enterprises.audit import looks_secret
from enterprises.models import Deployment, Enterprise, User
from enterprises.notices import Cause, look
from enterprises.services import create_api_token, sign_in_link
from enterprises.setup_codes import setup_secret
from tests.factories import NOW, PASSWORD, make_role, make_user
from tests.licensesync.world import World, make_world
from tests.security.examples import OCTO_SETUP

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "enterprises", "connect", "licensesync", "cloud", "wire")
SENDS = re.compile(
    r"core\.mail\b(?!\.backends)|send_mail|mail_(admins|managers)|email_user|EmailMessage|AdminEmailHandler|smtplib"
)
NEW = "another-long-passphrase"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def everybody_has_an_address(settings: Settings) -> None:
    """As somebody may have who changes the settings: Django would mail them the traceback of every failure."""
    settings.ADMINS = settings.MANAGERS = [("Olivia", "olivia@octo.example")]


# The module that writes them, the command that tries one, and the doctor, which only greets the mail server.
SENDERS = {"notice_mails.py", "notifications.py", "local_checks.py"}


@pytest.mark.parametrize("package", PACKAGES)
def test_one_module_writes_mails(package: str) -> None:
    """Whoever writes another one plants secrets around it, and looks for them in it, here."""
    files = [*(ROOT / package).rglob("*.py")]

    assert files
    assert {path.name for path in files if SENDS.search(path.read_text())} <= SENDERS
    assert {path.name for path in files if "EmailMessage(" in path.read_text()} <= {"notice_mails.py"}


def test_no_mail_about_a_server_holds_a_secret(world: World) -> None:
    """Every cause of a server, begun and over, amid planted secrets."""
    owner = make_user("oskar", email="oskar@octo.example")
    make_role(owner, world.server.enterprise)
    token = create_api_token(user=owner, scopes=["read:enterprise"], at=NOW).secret
    link = sign_in_link(user=owner, at=NOW).secret
    world.sync()
    held = Connection.objects.get(pk=world.connection.pk)
    planted = [token, link, held.app_key, held.token, owner.password, settings.SECRET_KEY]
    facts = {"hostname": "ghe.octo.example", "error_code": "unauthorized", "last_success": "", "used": 9, "total": 10}
    facts |= {"taken_at": NOW.isoformat(), "expires_on": "2026-04-01"}
    codes = ["sync_failed", "needs_decision", "no_success", "old_seats", "license_ends", "seats_used"]
    enterprise = world.server.enterprise_id
    causes = [Cause(enterprise_id=enterprise, code=code, stage=1, facts=facts) for code in codes]
    for seen in (causes, []):
        look(Deployment.SERVER, seen, NOW)
        notice_mails.deliver(lambda: NOW)

    assert len(mail.outbox) == 2 * len(codes)
    texts = [str(message.message()) for message in mail.outbox]
    assert min(map(len, planted)) > 15
    assert [secret for secret in planted if any(secret in text for text in texts)] == []
    assert not any(looks_secret(text) for text in texts)
    # Addresses of users of the server, of which a sync is full.
    assert not any("user1@octo.example" in text for text in texts)


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
