"""The App's own endpoints answer as GitHub's do."""

from datetime import timedelta

import github
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from django.utils import timezone
from github import Auth, GithubIntegration
from pytest_django.live_server_helper import LiveServer

from cloud.models import AppToken, Installation
from enterprises.models import AuditEvent
from tests.cloud_api.servers import Api, FakeServer, app_key, code_of
from wire import signing


def tokens_path(installation: Installation) -> str:
    return f"/app/installations/{installation.pk}/access_tokens"


def test_app_describes_itself(app_api: Api, installation: Installation) -> None:
    answer = app_api.get("/app").json()

    assert answer["id"] == installation.pk
    assert answer["owner"]["slug"] == "octo"
    assert installation.hostname in answer["name"]


def test_app_answers_at_the_root_too(app_api: Api, installation: Installation) -> None:
    app_api.prefix = ""

    (listed,) = app_api.get("/app/installations").json()

    assert listed["access_tokens_url"] == f"http://testserver{tokens_path(installation)}"


def test_addresses_keep_the_prefix(app_api: Api, installation: Installation) -> None:
    shown = app_api.get(f"/app/installations/{installation.pk}").json()

    assert shown["access_tokens_url"] == f"http://testserver/api/v3{tokens_path(installation)}"


def test_token_lives_one_hour_and_is_kept_as_a_digest(app_api: Api, installation: Installation) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        minted = app_api.post(tokens_path(installation)).json()
        row = AppToken.objects.get()

    assert timedelta(minutes=59) < row.expires_at - timezone.now() <= timedelta(hours=1)
    assert minted["token"] not in (row.digest, str(row))


@pytest.mark.parametrize("scheme", ["token", "Bearer", "bearer"])
def test_token_opens_the_intake_under_both_names(scheme: str, app_api: Api, installation: Installation) -> None:
    minted = app_api.post(tokens_path(installation)).json()

    response = Api(f"{scheme} {minted['token']}").get("/enterprise-installation/license-syncs/none")

    assert (response.status_code, code_of(response)) == (404, "unknown_sync")


def test_token_ends_with_its_hour(server_api: Api) -> None:
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        response = server_api.get("/enterprise-installation/license-syncs/none")

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


def test_minting_clears_tokens_that_are_over(app_api: Api, installation: Installation) -> None:
    app_api.post(tokens_path(installation))
    AppToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    app_api.post(tokens_path(installation))

    assert AppToken.objects.count() == 1


def test_installation_of_another_app_is_not_found(app_api: Api, installation: Installation) -> None:
    other = FakeServer(hostname="ghes2.octo.example").installed(installation.ledger)

    assert app_api.get(f"/app/installations/{other.pk}").status_code == 404
    assert app_api.post(tokens_path(other)).status_code == 404
    assert app_api.delete(f"/app/installations/{other.pk}").status_code == 404


def test_deleting_the_installation_disconnects_it(app_api: Api, server_api: Api, installation: Installation) -> None:
    deleted = app_api.delete(f"/app/installations/{installation.pk}")

    installation.refresh_from_db()
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert installation.state == Installation.State.DISCONNECTED
    assert server_api.get("/enterprise-installation/license-syncs/none").status_code == 401
    assert AuditEvent.objects.filter(action="enterprise_installation.destroy").exists()


def test_deleted_app_is_gone(app_api: Api, installation: Installation) -> None:
    app_api.delete(f"/app/installations/{installation.pk}")

    response = app_api.post(tokens_path(installation))

    assert (response.status_code, code_of(response)) == (404, "installation_gone")


def test_removed_app_is_gone(app_api: Api, installation: Installation) -> None:
    path = tokens_path(installation)
    installation.delete()

    assert code_of(app_api.post(path)) == "installation_gone"


@pytest.mark.parametrize("minutes", [-12, 3])
def test_wrong_clock_is_named(minutes: int, server: FakeServer, installation: Installation) -> None:
    token = server.jwt(installation.pk, timezone.now() + timedelta(minutes=minutes))

    response = Api(f"Bearer {token}").get("/app")

    assert (response.status_code, code_of(response)) == (401, "clock_skew")


def test_key_of_another_app_opens_nothing(installation: Installation) -> None:
    thief = FakeServer(key=app_key(1))

    response = Api(f"Bearer {thief.jwt(installation.pk)}").get("/app")

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


def test_wrong_method_is_answered_in_the_same_shape(app_api: Api) -> None:
    response = app_api.delete("/app")

    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"
    assert code_of(response) == ""


def test_unknown_resource_is_answered_in_the_same_shape(anonymous: Api) -> None:
    response = anonymous.get("/repos/octo/site")

    assert (response.status_code, code_of(response)) == (404, "")


def _pem(server: FakeServer) -> str:
    return server.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


@pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"])
@pytest.mark.django_db(transaction=True)
def test_pygithub_mints_a_token(live_server: LiveServer, server: FakeServer, installation: Installation) -> None:
    app = Auth.AppAuth(installation.pk, _pem(server))

    with GithubIntegration(auth=app, base_url=f"{live_server.url}/api/v3", retry=None) as integration:
        (listed,) = integration.get_installations()
        minted = integration.get_access_token(installation.pk)
        described = integration.get_app()

    assert (listed.id, listed.app_id, described.id) == (installation.pk,) * 3
    assert described.owner.slug == "octo"  # type: ignore[union-attr]
    assert minted.token.startswith("lss_")
    assert minted.expires_at > timezone.now()


@pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"])
@pytest.mark.django_db(transaction=True)
def test_pygithub_understands_a_refusal(live_server: LiveServer, installation: Installation) -> None:
    stranger = FakeServer(key=app_key(1))
    app = Auth.AppAuth(installation.pk, _pem(stranger))

    with (
        GithubIntegration(auth=app, base_url=f"{live_server.url}/api/v3", retry=None) as integration,
        pytest.raises(github.BadCredentialsException),
    ):
        integration.get_access_token(installation.pk)


def test_app_key_travels_only_as_a_public_key(installation: Installation) -> None:
    assert signing.read_app_key(installation.app_key).key_size == 2048
