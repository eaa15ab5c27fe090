"""The page of statements: what it lists, who makes one, and the files it gives."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from cloud import signer, statements
from cloud.models import Statement
from cloud.services import open_ledger
from enterprises.models import AuditEvent
from tests.cloud.books import NOW, connect, sync
from tests.factories import make_cloud_enterprise

if TYPE_CHECKING:
    from pathlib import Path

    from cloud.models import Ledger
    from enterprises.models import User

URL = "/enterprises/octo/licensing/statements"


@pytest.fixture
def made(ledger: Ledger) -> Statement:
    """A statement of octo with one server."""
    sync(connect(ledger, "ghes1.octo.example"), [(7, "a@octo.example"), (8, None)])
    return statements.make_now(ledger=ledger, by=None, at=NOW)


@pytest.fixture
def manager_client(billing_manager: User) -> Client:
    client = Client()
    client.force_login(billing_manager)
    return client


def text_of(client: Client, address: str = URL) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_owner_makes_one_as_of_now(owner_client: Client, ledger: Ledger) -> None:
    answer = owner_client.post(f"{URL}/new", follow=True)

    assert "The statement was made and signed." in answer.content.decode()
    event = AuditEvent.objects.get(action="statement.create")
    assert (event.actor_name, event.target) == ("olivia", str(Statement.objects.get()))


def test_list_says_the_number_and_who_made_it(owner_client: Client, manager_client: Client, made: Statement) -> None:
    owner_client.post(f"{URL}/new")

    text = text_of(manager_client)

    assert "Revision 1, olivia" in text
    assert f"{URL}/{made.pk}.pdf" in text
    assert "Make one as of now" not in text


def test_page_shows_the_fingerprint_of_each_key(manager_client: Client, made: Statement) -> None:
    shown = statements.signing_fingerprint(made)
    signer.rotate(NOW)

    text = text_of(manager_client)

    assert shown in text
    assert all(f"<strong>{kid}</strong>" in text for kid, _fingerprint in statements.fingerprints())
    assert len(statements.fingerprints()) == 2


def test_what_is_downloaded_is_checked_by_what_is_downloaded(
    manager_client: Client, made: Statement, tmp_path: Path
) -> None:
    for name in (f"{made.pk}.json", "verify_statement.py"):
        (tmp_path / name).write_bytes(manager_client.get(f"{URL}/{name}").content)
    command = [sys.executable, "-I", "verify_statement.py", f"{made.pk}.json", statements.signing_fingerprint(made)]

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


def test_paper_is_in_the_language_of_the_reader(manager_client: Client, made: Statement) -> None:
    english = manager_client.get(f"{URL}/{made.pk}.pdf")
    french = manager_client.get(f"{URL}/{made.pk}.pdf", headers={"Accept-Language": "fr"})

    assert english["Content-Disposition"] == 'attachment; filename="license_statement-octo-2026-03-02T093000Z.pdf"'
    assert (b"/Lang (en)" in english.content, b"/Lang (fr)" in french.content) == (True, True)


def test_too_many_are_refused_in_words(owner_client: Client, ledger: Ledger) -> None:
    for _ in range(statements.MOST_AN_HOUR):
        owner_client.post(f"{URL}/new")

    answer = owner_client.post(f"{URL}/new", follow=True)

    assert "take one of them, or wait" in answer.content.decode()
    assert Statement.objects.count() == statements.MOST_AN_HOUR


def test_statement_of_another_account_is_not_found(owner_client: Client, owner: User, made: Statement) -> None:
    open_ledger(enterprise=make_cloud_enterprise("other", owner=owner), at=NOW)

    assert owner_client.get(URL.replace("octo", "other")).status_code == 200
    assert owner_client.get(URL.replace("octo", "other") + f"/{made.pk}.json").status_code == 404


def test_page_without_statements_says_when_there_is_one(manager_client: Client, ledger: Ledger) -> None:
    assert "An enterprise owner can make one as of now." in text_of(manager_client)


def test_json_is_as_it_was_signed(manager_client: Client, made: Statement) -> None:
    answer = manager_client.get(f"{URL}/{made.pk}.json")

    assert answer["Content-Type"] == "application/json"
    assert json.loads(answer.content)["statement"] == json.loads(made.body)
