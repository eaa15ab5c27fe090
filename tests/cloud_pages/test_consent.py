"""The consent page: who asks, which accounts, and back with a code."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from cloud.models import ConnectCode, Ledger
from enterprises.models import Kind
from tests.cloud_api.servers import FakeServer
from tests.factories import make_cloud_enterprise

URL = "/enterprise-installations/new"


@pytest.fixture
def server() -> FakeServer:
    """A server that asks to be connected now."""
    return FakeServer()


def _ask(client: Client, server: FakeServer) -> str:
    return " ".join(client.get(URL, {"manifest": server.manifest(), "state": "s"}).content.decode().split())


def test_consent_shows_who_asks(owner_client: Client, ledger: Ledger, server: FakeServer) -> None:
    page = _ask(owner_client, server)

    assert server.hostname in page
    assert str(server.server_id) in page
    assert "No personal data is sent until" in page


def test_consent_lists_enterprises_and_organizations(owner_client: Client, ledger: Ledger, server: FakeServer) -> None:
    from cloud.services import open_ledger
    from enterprises.models import User
    from tests.factories import NOW

    organization = make_cloud_enterprise("octo-labs", owner=User.objects.get(username="olivia"), kind=Kind.ORGANIZATION)
    open_ledger(enterprise=organization, at=NOW)

    page = _ask(owner_client, server)

    assert "octo · enterprise" in page
    assert "octo-labs · organization" in page


def test_consent_leads_back_with_code_and_state(owner_client: Client, ledger: Ledger, server: FakeServer) -> None:
    response = owner_client.post(URL, {"manifest": server.manifest(), "state": "s-1", "account": "octo"})

    back = urlsplit(response["Location"])
    assert back.path.endswith("/settings/dotcom_connection/complete")
    assert parse_qs(back.query)["state"] == ["s-1"]
    assert ConnectCode.objects.count() == 1


def test_consent_admits_only_the_server_as_target_of_its_form(
    owner_client: Client, ledger: Ledger, server: FakeServer
) -> None:
    response = owner_client.get(URL, {"manifest": server.manifest(), "state": "s"})

    directives = [directive.split() for directive in response["Content-Security-Policy"].split(";")]
    assert ["form-action", "'self'", f"https://{server.hostname}"] in directives


def test_somebody_else_s_account_cannot_be_given_away(client: Client, ledger: Ledger, server: FakeServer) -> None:
    from tests.factories import make_user

    client.force_login(make_user("mallory"))

    response = client.post(URL, {"manifest": server.manifest(), "state": "s", "account": "octo"})

    assert response.status_code == 404
    assert not ConnectCode.objects.exists()


def test_a_request_that_no_server_signed_is_refused(owner_client: Client, ledger: Ledger) -> None:
    response = owner_client.get(URL, {"manifest": "a.b.c", "state": "s"})

    assert response.status_code == 400
    assert "Nothing was connected." in response.content.decode()


def test_an_existing_connection_is_named_in_place_of_the_button(
    owner_client: Client, ledger: Ledger, server: FakeServer
) -> None:
    server.installed(ledger)

    page = _ask(owner_client, FakeServer(hostname=server.hostname))

    assert f"A connection for {server.hostname} already exists." in page
    assert 'name="account"' not in page
    assert str(server.server_id) in page
    assert "?problem=connection_exists" in page
