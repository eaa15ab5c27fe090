"""The source of seats on its pages: what it says of itself, who may change it, and that its token is never shown."""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone

from connect.models import Server
from connect.services import register_server
from enterprises.models import Enterprise, User
from licensesync.models import SeatSource, SourceConfig
from licensesync.sources.choosing import Choice, choose
from tests.licensesync.world import ndjson, seat

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-the-page-1"


@pytest.fixture
def server(server_enterprise: Enterprise) -> Server:
    made = register_server(
        enterprise=server_enterprise, hostname="ghes.octo.example", version="3.19.1", at=timezone.now()
    )
    seat(made, ndjson([1, 2]))
    return made


def choose_ghes(server: Server) -> SourceConfig:
    choice = Choice(
        kind=SeatSource.Kind.GHES, base_url="https://ghes.octo.example", user_name="site-admin", token=TOKEN
    )
    return choose(server=server, choice=choice, by=None, at=timezone.now())


def shown(client: Client, path: str = "") -> str:
    response = client.get(f"/enterprises/octo-server/settings/seats{path}")
    assert response.status_code == HTTPStatus.OK
    return " ".join(response.content.decode().split())


def test_owner_chooses_ghes_and_a_worker_is_asked_at_once(server: Server, owner_client: Client) -> None:
    form = {"kind": "ghes", "base_url": "https://ghes.octo.example/", "user_name": "site-admin", "token": TOKEN}
    assert owner_client.post("/enterprises/octo-server/settings/seats/source", form).status_code == HTTPStatus.FOUND

    config = SourceConfig.objects.get(server=server)
    assert (config.base_url, config.token, config.may_be_local) == ("https://ghes.octo.example", TOKEN, False)
    assert config.requested_at is not None
    page = shown(owner_client)
    assert "Waiting for a free worker" in page
    assert "GHES at https://ghes.octo.example, as site-admin" in page
    assert TOKEN not in page + shown(owner_client, "/source")


def test_what_a_source_needs_is_not_called_optional(server: Server, owner_client: Client) -> None:
    page = owner_client.get("/enterprises/octo-server/settings/seats/source").content.decode()

    labels = [
        " ".join(label.split()) for label in re.findall(r'<label class="Field-label"[^>]*>(.*?)</label>', page, re.S)
    ]
    assert [label.partition(" <")[0] for label in labels if "(optional)" in label] == ["Site administrator"]


def test_mistakes_stand_beside_their_fields_and_the_token_does_not_come_back(
    server: Server, owner_client: Client
) -> None:
    form = {"kind": "ghes", "base_url": "http://ghes.octo.example", "token": TOKEN}
    response = owner_client.post("/enterprises/octo-server/settings/seats/source", form)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "begins with https://" in response.content.decode()
    assert TOKEN not in response.content.decode()
    assert not SourceConfig.objects.exists()


def test_failure_says_what_happened_what_to_do_and_what_goes_on(server: Server, owner_client: Client) -> None:
    config = choose_ghes(server)
    config.error_code, config.error, config.license_error = (
        "source_invalid",
        "Line 7: the login is empty",
        "source_auth",
    )
    config.attempted_at = timezone.now()
    config.save()

    page = shown(owner_client)

    assert "The list has a line that is no good" in page
    assert "Line 7: the login is empty" in page
    assert "Syncs go on with the seats that are listed here." in page
    assert "The license was not read." in page
    assert "/settings/seats/refresh" in page


def test_large_shrink_is_confirmed_where_it_is_said(server: Server, owner_client: Client) -> None:
    config = choose_ghes(server)
    config.error_code = "source_shrink"
    config.save()
    assert "Yes, remove that many accounts" in shown(owner_client)

    owner_client.post("/enterprises/octo-server/settings/seats/refresh", {"allow_shrink": "on"})

    config.refresh_from_db()
    assert (config.allow_shrink, config.requested_by) == (True, User.objects.get(username="olivia"))


def test_refresh_that_no_worker_begins_says_so(server: Server, owner_client: Client) -> None:
    choose_ghes(server)
    SourceConfig.objects.update(requested_at=timezone.now() - timedelta(minutes=3))
    assert "No worker has begun the refresh yet." in shown(owner_client)
    SourceConfig.objects.update(lease_until=timezone.now() + timedelta(minutes=3))
    assert "Refreshing seats" in shown(owner_client)


def test_old_list_is_called_old(server: Server, owner_client: Client) -> None:
    SeatSource.objects.update(taken_at=timezone.now() - timedelta(days=12))
    assert "This list is 12 days old." in shown(owner_client)


def test_billing_manager_sees_the_source_and_changes_nothing(server: Server, billing_manager: User) -> None:
    choose_ghes(server)
    client = Client()
    client.force_login(billing_manager)
    page = shown(client)
    assert "GHES at https://ghes.octo.example" in page
    assert "Change source" not in page
    assert "/settings/seats/refresh" not in page


def test_without_a_source_there_is_nothing_to_refresh(server: Server, owner_client: Client) -> None:
    response = owner_client.post("/enterprises/octo-server/settings/seats/refresh", follow=True)
    assert "There is nothing to refresh from" in response.content.decode()
    assert "Imports by owners and by command" in response.content.decode()


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("Line 7: the login is empty", "Ligne 7"),
        ("The file would remove 282 of 320 accounts; confirm that this is meant.", "282 comptes sur 320"),
        ("The list would remove 282 of 320 accounts; confirm that this is meant.", "282 comptes sur 320"),
        ("certificate has expired", "certificate has expired"),
    ],
)
def test_detail_reads_in_french(server: Server, owner_client: Client, owner: User, kept: str, said: str) -> None:
    owner.language = "fr"
    owner.save()
    choose_ghes(server)
    SourceConfig.objects.update(error_code="source_invalid", error=kept)

    page = shown(owner_client).replace("\u00a0", " ")

    assert said in page
    assert "the login is empty" not in page


def test_form_reads_in_french(server: Server, owner_client: Client, owner: User) -> None:
    owner.language = "fr"
    owner.save()
    assert "Origine des sièges" in shown(owner_client, "/source")
