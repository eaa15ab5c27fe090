"""An App's next key: let in by the one before it, accepted beside it, and alone from its first use on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cloud.models import AppToken, Installation
from cloud.services import disconnect_installation
from enterprises.models import AuditEvent
from tests.cloud_api.servers import Api, FakeServer, app_key, code_of
from wire import signing


@pytest.fixture
def successor(server: FakeServer) -> FakeServer:
    """The same server with its next key."""
    return FakeServer(server_id=server.server_id, identity=server.identity, key=app_key(1))


def offer(key_of: FakeServer, installation: Installation, **changes: Any) -> dict[str, Any]:
    proof = key_of.jwt(changes.pop("issuer", installation.pk), changes.pop("at", None))
    return {"app_key": signing.public_pem(key_of.key.public_key()), "proof": proof} | changes


def api_of(server: FakeServer, installation: Installation) -> Api:
    return Api(f"Bearer {server.jwt(installation.pk)}")


def is_known(server: FakeServer, installation: Installation) -> bool:
    return api_of(server, installation).get("/app").status_code == 200


def actions() -> list[str]:
    return list(AuditEvent.objects.filter(action__contains="app_key").order_by("pk").values_list("action", flat=True))


def test_both_are_accepted_until_the_next_one_was_used(
    server: FakeServer, successor: FakeServer, installation: Installation
) -> None:
    assert not is_known(successor, installation)

    answer = api_of(server, installation).put("/app/key", offer(successor, installation))

    assert (answer.status_code, answer.content) == (204, b"")
    assert is_known(server, installation)
    assert is_known(successor, installation)
    assert not is_known(server, installation)
    assert is_known(successor, installation)
    installation.refresh_from_db()
    assert installation.next_app_key == ""
    assert actions() == ["enterprise_installation.app_key_added", "enterprise_installation.app_key_updated"]


def test_tokens_of_the_former_key_end_with_it(
    server: FakeServer, successor: FakeServer, installation: Installation, server_api: Api
) -> None:
    api_of(server, installation).put("/app/key", offer(successor, installation))
    assert AppToken.objects.count() == 1

    assert is_known(successor, installation)

    assert code_of(server_api.get("/enterprise-installation/license-syncs/none")) == "bad_credentials"


def test_asking_again_changes_nothing_before_and_after_the_switch(
    server: FakeServer, successor: FakeServer, installation: Installation
) -> None:
    first = api_of(server, installation).put("/app/key", offer(successor, installation))
    again = api_of(server, installation).put("/app/key", offer(successor, installation))
    after = api_of(successor, installation).put("/app/key", offer(successor, installation))

    assert [answer.status_code for answer in (first, again, after)] == [204] * 3
    installation.refresh_from_db()
    assert (installation.app_key, installation.next_app_key) == (offer(successor, installation)["app_key"], "")
    assert actions() == ["enterprise_installation.app_key_added", "enterprise_installation.app_key_updated"]


def test_another_offer_replaces_one_that_was_never_used(
    server: FakeServer, successor: FakeServer, installation: Installation
) -> None:
    given_up = FakeServer(key=app_key(2))
    api_of(server, installation).put("/app/key", offer(given_up, installation))

    api_of(server, installation).put("/app/key", offer(successor, installation))

    assert not is_known(given_up, installation)
    assert is_known(successor, installation)


def test_stranger_offers_nothing(successor: FakeServer, installation: Installation) -> None:
    answer = api_of(successor, installation).put("/app/key", offer(successor, installation))

    assert (answer.status_code, code_of(answer)) == (401, "bad_credentials")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": 999_999}, "invalid_request"),
        ({"proof": "no.such.jwt"}, "invalid_request"),
        ({"app_key": "no key"}, "invalid_request"),
        ({"app_key": 7}, "invalid_request"),
        ({"at": timezone.now() + timedelta(hours=1)}, "clock_skew"),
    ],
)
def test_key_without_its_proof_is_refused(
    changes: dict[str, Any], code: str, server: FakeServer, successor: FakeServer, installation: Installation
) -> None:
    answer = api_of(server, installation).put("/app/key", offer(successor, installation, **changes))

    installation.refresh_from_db()
    assert (code_of(answer), installation.next_app_key) == (code, "")


def test_key_that_somebody_else_holds_is_refused(
    server: FakeServer, successor: FakeServer, installation: Installation
) -> None:
    of_somebody = offer(FakeServer(key=app_key(2)), installation)["app_key"]

    answer = api_of(server, installation).put("/app/key", offer(successor, installation, app_key=of_somebody))

    assert code_of(answer) == "invalid_request"


def test_next_key_opens_nothing_once_the_server_is_disconnected(
    server: FakeServer, successor: FakeServer, installation: Installation
) -> None:
    api_of(server, installation).put("/app/key", offer(successor, installation))
    disconnect_installation(installation=installation, by=None, at=timezone.now())

    answer = api_of(successor, installation).get("/app")

    installation.refresh_from_db()
    assert code_of(answer) == "installation_gone"
    assert installation.app_key == signing.public_pem(server.key.public_key())


def test_audit_holds_fingerprints_alone(server: FakeServer, successor: FakeServer, installation: Installation) -> None:
    body = offer(successor, installation)
    api_of(server, installation).put("/app/key", body)

    event = AuditEvent.objects.get(action="enterprise_installation.app_key_added")

    assert event.target == installation.hostname
    assert event.after == {
        "installation_id": installation.pk,
        "key_fingerprint": signing.fingerprint(str(body["app_key"])),
    }
