"""The first start: whoever holds the printed code becomes the first owner, and then the page is gone."""

from __future__ import annotations

import pytest
from django.test import Client

from cloud.models import Ledger
from connect.models import Server
from enterprises.models import Deployment, Enterprise, SetupCode, User
from enterprises.setup_codes import SetupClosed, setup_secret
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db

GIVEN = {
    "username": "olivia",
    "password": PASSWORD,
    "name": "Octo Inc.",
    "slug": "octo",
    "deployment": "server",
    "hostname": "octo.example",
}


def set_up(client: Client, code: str, **changes: str) -> str:
    """Where the browser is sent, or the names of the fields that are wrong."""
    answer = client.post("/setup", {**GIVEN, "code": code, **changes})
    return str(answer["Location"]) if answer.status_code == 302 else ", ".join(answer.context["form"].errors)


def test_anonymous_home_leads_to_the_setup(client: Client) -> None:
    assert client.get("/")["Location"] == "/setup"
    assert client.get("/setup").status_code == 200


def test_server_is_founded_and_its_owner_signed_in(client: Client) -> None:
    assert set_up(client, setup_secret()) == "/"

    user = User.objects.get()
    assert client.get("/").context["user"] == user
    assert list(Enterprise.objects.owned_by(user)) == [Enterprise.objects.get(slug="octo")]
    assert Server.objects.get().hostname == "octo.example"


def test_cloud_is_founded_with_its_seats(client: Client) -> None:
    assert set_up(client, setup_secret(), deployment="cloud", seats="100") == "/"

    assert Ledger.objects.get().seats_purchased == 100
    assert Enterprise.objects.get().deployment == Deployment.CLOUD


def test_code_may_be_typed_carelessly(client: Client) -> None:
    assert set_up(client, f" {setup_secret().lower().replace('-', ' ')} ") == "/"


@pytest.mark.parametrize("code", ["", "AAAAA-BBBBB-CCCCC-DDDDD"])
def test_wrong_code_creates_nothing(code: str, client: Client) -> None:
    setup_secret()

    assert set_up(client, code) == "code"
    assert not User.objects.exists()
    assert not Enterprise.objects.exists()


def test_only_the_last_code_works(client: Client) -> None:
    first, last = setup_secret(), setup_secret()

    assert set_up(client, first) == "code"
    assert set_up(client, last) == "/"


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"password": "12345678"}, "password"),
        ({"slug": "Octo Inc"}, "slug"),
        ({"hostname": ""}, "hostname"),
        ({"username": "not a name"}, "username"),
        ({"deployment": "moon"}, "deployment"),
    ],
)
def test_mistake_keeps_the_code_for_another_try(changes: dict[str, str], wrong: str, client: Client) -> None:
    code = setup_secret()

    assert set_up(client, code, **changes) == wrong
    assert SetupCode.objects.exists()
    assert set_up(client, code) == "/"


def test_page_is_gone_once_somebody_owns(client: Client, server_enterprise: Enterprise) -> None:
    assert client.get("/setup").status_code == 404
    assert client.post("/setup", GIVEN).status_code == 404
    with pytest.raises(SetupClosed):
        setup_secret()


def test_code_is_not_stored() -> None:
    code = setup_secret()

    assert code not in str(SetupCode.objects.values())
    assert len(code.replace("-", "")) == 20
