"""Codes, names, tokens and keys when eight come at the same moment, and what would happen without each guard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from cloud import app_keys, handshake, services
from cloud.models import AppToken, Installation, Ledger
from enterprises.models import AuditEvent, Enterprise, User
from tests.cloud_api.servers import Api, FakeServer, app_key, code_of
from tests.support.races import THREADS, race, without_condition, without_lock
from wire import signing

pytestmark = pytest.mark.django_db(transaction=True)

NEW_INSTALLATION = 'INSERT INTO "cloud_installation"'
NEW_TOKEN = 'INSERT INTO "cloud_apptoken"'
INSTALLATION = 'UPDATE "cloud_installation"'
HELD_INSTALLATION = 'FROM "cloud_installation" .* FOR NO KEY UPDATE'


def convert_eight(server: FakeServer, account: Enterprise, owner: User) -> int:
    """One code is converted eight times; return how often its server was connected by that."""
    code = handshake.give_code(manifest_jws=server.manifest(), account=account, by=owner, at=timezone.now())

    answers = race(lambda _number: handshake.convert(code, server.proof(), timezone.now()), before=NEW_INSTALLATION)

    assert all(answer == answers[0] for answer in answers)
    return AuditEvent.objects.filter(action="enterprise_installation.create").count()


def test_one_code_connects_once(server: FakeServer, cloud_enterprise: Enterprise, ledger: Ledger, owner: User) -> None:
    assert convert_eight(server, cloud_enterprise, owner) == 1


@pytest.mark.postgres
def test_without_the_lock_it_connects_eight_times(
    server: FakeServer, cloud_enterprise: Enterprise, ledger: Ledger, owner: User
) -> None:
    with without_lock(Ledger):
        assert convert_eight(server, cloud_enterprise, owner) == THREADS


def connect_rivals(account: Enterprise, owner: User) -> int:
    """Eight servers of one name want to be connected; return how many of them are."""
    rivals = [FakeServer() for _number in range(THREADS)]

    def connect(number: int) -> None:
        server = rivals[number]
        handshake.connect_directly(
            manifest_jws=server.manifest(), proof=server.proof(), account=account, by=owner, at=timezone.now()
        )

    race(connect, before=NEW_INSTALLATION, refusals=(handshake.ConnectionExists,))
    return Installation.objects.count()


def test_of_eight_servers_of_one_name_one_gets_in(cloud_enterprise: Enterprise, ledger: Ledger, owner: User) -> None:
    assert connect_rivals(cloud_enterprise, owner) == 1


@pytest.mark.postgres
def test_without_the_lock_all_get_in(cloud_enterprise: Enterprise, ledger: Ledger, owner: User) -> None:
    with without_lock(Ledger):
        assert connect_rivals(cloud_enterprise, owner) == THREADS


def mint_behind(server: FakeServer, installation: Installation) -> int:
    """Eight tokens are asked for with a key that another one replaces at that moment; return how many remain."""
    successor = FakeServer(server_id=server.server_id, identity=server.identity, key=app_key(1))
    Installation.objects.update(next_app_key=signing.public_pem(successor.key.public_key()))
    former, later = (Api(f"Bearer {one.jwt(installation.pk)}") for one in (server, successor))

    race(
        lambda _number: former.post(f"/app/installations/{installation.pk}/access_tokens").status_code,
        before=NEW_TOKEN,
        meanwhile=lambda: later.get("/app"),
    )
    return AppToken.objects.count()


def test_key_that_was_replaced_leaves_no_token(server: FakeServer, installation: Installation) -> None:
    assert mint_behind(server, installation) == 0


@pytest.mark.postgres
def test_without_the_lock_it_leaves_eight(server: FakeServer, installation: Installation) -> None:
    with without_lock(Installation):
        assert mint_behind(server, installation) == THREADS


def offer_eight(installation: Installation) -> int:
    """The key that shall follow is offered eight times; return how often the audit log says so."""
    key = signing.public_pem(app_key(1).public_key())

    race(
        lambda _number: app_keys.keep_next(installation=installation, app_key=key, at=timezone.now(), ip=""),
        before=INSTALLATION,
    )
    return AuditEvent.objects.filter(action="enterprise_installation.app_key_added").count()


def test_next_key_is_taken_once(installation: Installation) -> None:
    assert offer_eight(installation) == 1


@pytest.mark.postgres
def test_without_the_lock_it_is_taken_eight_times(installation: Installation) -> None:
    with without_lock(Installation):
        assert offer_eight(installation) == THREADS


def offer_while(change: Callable[[], object], server: FakeServer, installation: Installation) -> set[str]:
    """Eight next keys are offered when something else happens to the server; return what the refusals say."""
    api = Api(f"Bearer {server.jwt(installation.pk)}")
    successor = FakeServer(server_id=server.server_id, identity=server.identity, key=app_key(1))
    body = {"app_key": signing.public_pem(successor.key.public_key()), "proof": successor.jwt(installation.pk)}

    answers = race(lambda _number: api.put("/app/key", body), before=HELD_INSTALLATION, meanwhile=change)

    return {code_of(answer) for answer in answers}


def test_server_that_is_removed_at_that_moment_has_no_next_key(server: FakeServer, installation: Installation) -> None:
    def remove() -> None:
        services.remove_installation(installation=installation, by=None, at=timezone.now())

    assert offer_while(remove, server, installation) == {"installation_gone"}


def test_key_that_was_replaced_at_that_moment_offers_none(server: FakeServer, installation: Installation) -> None:
    replaced = signing.public_pem(app_key(2).public_key())

    assert offer_while(lambda: Installation.objects.update(app_key=replaced), server, installation) == {
        "bad_credentials"
    }


def switch_eight(server: FakeServer, installation: Installation) -> int:
    """The next key is used for the first time by eight requests; return how many of them say so in the audit log."""
    successor = FakeServer(server_id=server.server_id, identity=server.identity, key=app_key(1))
    Installation.objects.update(next_app_key=signing.public_pem(successor.key.public_key()))
    api = Api(f"Bearer {successor.jwt(installation.pk)}")

    answers = race(lambda _number: api.get("/app").status_code, before=INSTALLATION)

    assert answers == [200] * THREADS
    return AuditEvent.objects.filter(action="enterprise_installation.app_key_updated").count()


def test_next_key_takes_over_once(server: FakeServer, installation: Installation) -> None:
    assert switch_eight(server, installation) == 1


@pytest.mark.postgres
def test_without_the_condition_it_takes_over_eight_times(server: FakeServer, installation: Installation) -> None:
    with without_condition(Installation):
        assert switch_eight(server, installation) == THREADS


def disconnect_eight(installation: Installation) -> int:
    """Eight times the App is deleted; return how many of them say so in the audit log."""

    def act(_number: int) -> None:
        services.disconnect_installation(installation=Installation.objects.get(), by=None, at=timezone.now())

    race(act, before=INSTALLATION)
    return AuditEvent.objects.filter(action="enterprise_installation.destroy").count()


def test_server_is_disconnected_once(installation: Installation) -> None:
    assert disconnect_eight(installation) == 1


@pytest.mark.postgres
def test_without_lock_and_condition_it_is_disconnected_eight_times(installation: Installation) -> None:
    with without_lock(Ledger), without_condition(Installation):
        assert disconnect_eight(installation) == THREADS
