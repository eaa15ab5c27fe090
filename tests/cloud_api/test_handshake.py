"""A server becomes connected: by a code from the consent page, or with an owner's token."""

import json
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from cloud import handshake
from cloud.models import AppToken, ConnectCode, Installation, Ledger
from enterprises.models import AuditEvent, Enterprise, User
from tests.cloud.books import sync
from tests.cloud_api.servers import Api, FakeServer, app_key, code_of
from tests.factories import make_cloud_enterprise
from wire import signing


def consent(server: FakeServer, enterprise: Enterprise, by: User, **changes: object) -> str:
    return handshake.give_code(manifest_jws=server.manifest(**changes), account=enterprise, by=by, at=timezone.now())


def convert(code: str, proof: str) -> tuple[int, dict[str, object]]:
    response = Api(f"Bearer {proof}").post(f"/app-manifests/{code}/conversions")
    return response.status_code, response.json()


@pytest.fixture
def code(server: FakeServer, cloud_enterprise: Enterprise, ledger: Ledger, owner: User) -> str:
    return consent(server, cloud_enterprise, owner)


def test_conversion_creates_the_installation(code: str, server: FakeServer, ledger: Ledger, owner: User) -> None:
    status, answer = convert(code, server.proof())

    installation = ledger.installations.get()
    assert status == 201
    assert answer["app_id"] == answer["installation_id"] == installation.pk
    assert answer["account"] == {"slug": "octo", "name": ledger.enterprise.name, "kind": "enterprise"}
    assert answer["held"] is None
    assert len(answer["receipt_keys"]) == 1  # type: ignore[arg-type]
    assert (installation.hostname, installation.connected_by) == (server.hostname, owner)


def test_conversion_is_audited_with_the_owner(code: str, server: FakeServer, owner: User) -> None:
    convert(code, server.proof())

    event = AuditEvent.objects.get(action="enterprise_installation.create")
    assert (event.actor, event.target) == (owner, server.hostname)
    assert event.after is not None
    assert event.after["server_id"] == server.server_id


def test_conversion_repeats_its_answer_to_the_same_key(code: str, server: FakeServer, ledger: Ledger) -> None:
    first = convert(code, server.proof())
    again = convert(code, server.proof())

    assert first == again
    assert ledger.installations.count() == 1
    assert AuditEvent.objects.filter(action="enterprise_installation.create").count() == 1


def test_conversion_repeats_no_longer_than_five_minutes(code: str, server: FakeServer) -> None:
    convert(code, server.proof())

    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1), tick=False):
        status, answer = convert(code, server.proof())

    assert (status, answer["code"]) == (404, "code_invalid")


def test_expired_code_is_refused(code: str, server: FakeServer, ledger: Ledger) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1), tick=False):
        status, answer = convert(code, server.proof())

    assert (status, answer["code"]) == (404, "code_invalid")
    assert not ledger.installations.exists()


def test_unknown_code_is_refused(server: FakeServer, ledger: Ledger) -> None:
    assert convert("lss_nothing", server.proof())[1]["code"] == "code_invalid"


def test_stolen_code_is_worthless_without_the_app_key(code: str, server: FakeServer, ledger: Ledger) -> None:
    thief = FakeServer(server_id=server.server_id, key=app_key(1))

    status, answer = convert(code, thief.proof())

    assert (status, answer["code"]) == (401, "bad_credentials")
    assert not ledger.installations.exists()
    assert convert(code, server.proof())[0] == 201


def test_proof_of_another_server_is_refused(code: str, server: FakeServer) -> None:
    other = FakeServer(key=server.key)

    assert convert(code, other.proof())[1]["code"] == "bad_credentials"


def test_proof_of_another_time_names_the_clock(code: str, server: FakeServer) -> None:
    early = server.proof(timezone.now() + timedelta(minutes=3))

    assert convert(code, early)[1]["code"] == "clock_skew"


def test_conversion_without_proof_is_refused(code: str, anonymous: Api) -> None:
    assert anonymous.post(f"/app-manifests/{code}/conversions").status_code == 401


def test_code_of_somebody_who_may_not_sign_in_any_more_is_refused(
    code: str, server: FakeServer, owner: User, ledger: Ledger
) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)

    status, answer = convert(code, server.proof())

    assert (status, answer["code"]) == (404, "code_invalid")
    assert not ledger.installations.exists()


def test_code_of_a_former_owner_is_refused(code: str, server: FakeServer, owner: User) -> None:
    owner.roles.all().delete()

    assert convert(code, server.proof())[1]["code"] == "code_invalid"


def test_code_is_kept_only_as_a_digest(code: str) -> None:
    assert code not in str(ConnectCode.objects.values().get())


def test_code_of_a_removed_connection_is_refused(code: str, server: FakeServer, ledger: Ledger) -> None:
    convert(code, server.proof())
    ledger.installations.update(state=Installation.State.DISCONNECTED)

    assert convert(code, server.proof())[1]["code"] == "code_invalid"


def test_connected_server_is_not_connected_twice(
    installation: Installation, server: FakeServer, cloud_enterprise: Enterprise, owner: User
) -> None:
    restored = FakeServer(server_id=server.server_id, identity=server.identity, key=app_key(1))

    with pytest.raises(handshake.ConnectionExists) as refusal:
        consent(restored, cloud_enterprise, owner)

    assert refusal.value.hostname == server.hostname
    assert server.hostname in str(refusal.value)


def test_another_server_of_the_same_name_is_kept_out(
    installation: Installation, cloud_enterprise: Enterprise, owner: User
) -> None:
    with pytest.raises(handshake.ConnectionExists):
        consent(FakeServer(key=app_key(1)), cloud_enterprise, owner)


def test_same_app_may_connect_again(
    installation: Installation, server: FakeServer, cloud_enterprise: Enterprise, owner: User
) -> None:
    status, answer = convert(consent(server, cloud_enterprise, owner), server.proof())

    assert (status, answer["app_id"]) == (201, installation.pk)


def test_disconnected_server_is_revived_with_what_is_held(
    installation: Installation, server: FakeServer, cloud_enterprise: Enterprise, owner: User
) -> None:
    held = "6f0e1d6c-8d0e-4a51-9b0c-2f8d6a2f3b11"
    Installation.objects.update(state=Installation.State.DISCONNECTED, revision=7, snapshot_id=held)
    returning = FakeServer(server_id=server.server_id, identity=server.identity, key=app_key(1))

    _status, answer = convert(consent(returning, cloud_enterprise, owner), returning.proof())

    installation.refresh_from_db()
    assert answer["app_id"] == installation.pk
    assert answer["held"] == {"revision": 7, "snapshot_id": held}
    assert installation.state == Installation.State.CONNECTED
    assert installation.app_key == signing.public_pem(app_key(1).public_key())


def test_disconnected_server_of_another_identity_is_not_revived(
    installation: Installation, server: FakeServer, cloud_enterprise: Enterprise, owner: User
) -> None:
    Installation.objects.update(state=Installation.State.DISCONNECTED)
    impostor = FakeServer(server_id=server.server_id, key=app_key(1))

    with pytest.raises(handshake.ConnectionExists):
        consent(impostor, cloud_enterprise, owner)


def test_name_of_a_disconnected_server_is_free(
    installation: Installation, cloud_enterprise: Enterprise, owner: User
) -> None:
    Installation.objects.update(state=Installation.State.DISCONNECTED)
    successor = FakeServer(key=app_key(1))

    status, _answer = convert(consent(successor, cloud_enterprise, owner), successor.proof())

    assert status == 201
    assert Installation.objects.count() == 2


def test_connection_made_in_the_meantime_keeps_the_code_out(code: str, server: FakeServer, ledger: Ledger) -> None:
    FakeServer(server_id=server.server_id, key=app_key(1)).installed(ledger)

    assert convert(code, server.proof())[1]["code"] == "connection_exists"


def test_reviving_ends_old_tokens(
    server_api: Api, installation: Installation, server: FakeServer, cloud_enterprise: Enterprise, owner: User
) -> None:
    Installation.objects.update(state=Installation.State.DISCONNECTED)

    convert(consent(server, cloud_enterprise, owner), server.proof())

    assert not AppToken.objects.exists()


def test_only_owners_give_codes(
    server: FakeServer, cloud_enterprise: Enterprise, ledger: Ledger, billing_manager: User
) -> None:
    with pytest.raises(PermissionDenied):
        consent(server, cloud_enterprise, billing_manager)


def test_accounts_are_those_that_the_person_owns(
    installation: Installation, cloud_enterprise: Enterprise, owner: User
) -> None:
    make_cloud_enterprise("acme", owner=owner)
    make_cloud_enterprise("foreign")
    manifest = handshake.read_request(FakeServer(key=app_key(1)).manifest(), timezone.now())

    choices = handshake.accounts_for(owner, manifest)

    assert [(choice.enterprise.slug, choice.existing_installation) for choice in choices] == [
        ("acme", None),
        ("octo", installation),
    ]


def test_revived_server_of_a_new_name_takes_its_people_along(
    installation: Installation, server: FakeServer, cloud_enterprise: Enterprise, owner: User, ledger: Ledger
) -> None:
    sync(installation, [(7, None)])
    Installation.objects.update(state=Installation.State.DISCONNECTED)
    renamed = FakeServer(hostname="new.octo.example", server_id=server.server_id, identity=server.identity)

    convert(consent(renamed, cloud_enterprise, owner), renamed.proof())

    assert [person.label for person in ledger.licenses.all()] == ["new.octo.example:7"]


def test_headless_connection(owner_api: Api, server: FakeServer, ledger: Ledger) -> None:
    body = {"manifest": server.manifest(), "proof": server.proof()}

    response = owner_api.post("/enterprises/octo/enterprise-installations", body)

    assert response.status_code == 201
    assert response.json()["installation_id"] == ledger.installations.get().pk


def test_headless_connection_again_gives_the_same_answer(owner_api: Api, server: FakeServer) -> None:
    body = {"manifest": server.manifest(), "proof": server.proof()}

    answers = [owner_api.post("/enterprises/octo/enterprise-installations", body).json() for _ in range(2)]

    assert answers[0] == answers[1]


def test_headless_connection_of_a_connected_name_is_a_conflict(owner_api: Api, installation: Installation) -> None:
    other = FakeServer(key=app_key(1))

    response = owner_api.post(
        "/enterprises/octo/enterprise-installations", {"manifest": other.manifest(), "proof": other.proof()}
    )

    assert (response.status_code, code_of(response)) == (409, "connection_exists")


def test_headless_connection_needs_the_app_key(owner_api: Api, server: FakeServer) -> None:
    thief = FakeServer(server_id=server.server_id, key=app_key(1))

    response = owner_api.post(
        "/enterprises/octo/enterprise-installations", {"manifest": server.manifest(), "proof": thief.proof()}
    )

    assert (response.status_code, code_of(response)) == (401, "bad_credentials")


def test_symmetric_proof_with_the_public_key_is_refused(code: str, server: FakeServer) -> None:
    now = int(timezone.now().timestamp())
    claims = {"iss": server.server_id, "iat": now, "exp": now + 60}
    forged = jwt.PyJWS().encode(json.dumps(claims).encode(), signing.public_text(server.identity.public_key()), "HS256")

    assert convert(code, forged)[1]["code"] == "bad_credentials"
