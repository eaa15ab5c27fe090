"""A new App key without a new Connect, from both ends: whatever is lost on the way, the next attempt goes on."""

from __future__ import annotations

import pytest
import requests
from django.utils import timezone
from requests import PreparedRequest, Response

from cloud.models import Installation, Ledger
from connect import services
from connect.client import CloudClient
from connect.failures import CloudRejected, CloudUnavailable, NotAuthorized, NotConnected
from connect.models import Connection
from enterprises.models import AuditEvent, User
from tests.support.wsgi_adapter import WsgiAdapter
from wire import signing


def rotate(connection: Connection, cloud: WsgiAdapter) -> bool:
    return services.rotate_app_key(connection=connection, by=None, at=timezone.now(), adapter=cloud)


def is_accepted(connection: Connection, app_key: str) -> bool:
    """Whether the cloud takes a JWT of that key, whatever the database says of it by now."""
    jwt = signing.app_jwt(str(connection.app_id), key=signing.load_app_key(app_key), at=timezone.now())
    with requests.Session() as session:
        session.mount("http://", WsgiAdapter())
        answer = session.get(f"{connection.cloud_url}/api/v3/app", headers={"Authorization": f"Bearer {jwt}"})
    return answer.status_code == 200


def events(action: str) -> int:
    return AuditEvent.objects.filter(action=action).count()


def losing(path: str) -> WsgiAdapter:
    """A cloud that does what it is asked, but whose first answer at a path does not arrive."""
    left = [1]

    def interrupt(request: PreparedRequest, response: Response) -> None:
        if str(request.url).endswith(path) and left[0]:
            left[0] = 0
            raise requests.ConnectionError("lost")

    return WsgiAdapter(interrupt=interrupt)


def test_new_key_takes_the_place_of_the_old_one(connection: Connection, ledger: Ledger, cloud: WsgiAdapter) -> None:
    before, app_id = connection.app_key, connection.app_id

    assert rotate(connection, cloud)

    connection.refresh_from_db()
    assert cloud.calls == ["PUT /api/v3/app/key", "GET /api/v3/app"]
    assert (connection.state, connection.app_id, connection.next_app_key) == (Connection.State.CONNECTED, app_id, "")
    assert connection.app_key != before
    assert is_accepted(connection, connection.app_key)
    assert not is_accepted(connection, before)
    assert events("dotcom_connection.app_key_updated") == events("enterprise_installation.app_key_updated") == 1


def test_lost_answer_to_the_offer_leaves_the_old_key_in_use(connection: Connection, ledger: Ledger) -> None:
    before, cloud = connection.app_key, losing("/app/key")

    with pytest.raises(CloudUnavailable):
        rotate(connection, cloud)

    connection.refresh_from_db()
    offered = connection.next_app_key
    assert connection.app_key == before
    assert is_accepted(connection, before)
    assert rotate(connection, cloud)
    connection.refresh_from_db()
    assert connection.app_key == offered
    assert not is_accepted(connection, before)
    assert events("enterprise_installation.app_key_added") == 1


def test_lost_answer_to_the_first_use_loses_nothing(connection: Connection) -> None:
    cloud = losing("/app")

    assert not rotate(connection, cloud)

    connection.refresh_from_db()
    assert is_accepted(connection, connection.app_key)
    assert rotate(connection, cloud)


def test_worker_that_still_holds_the_old_key_goes_on_with_the_new_one(
    connection: Connection, cloud: WsgiAdapter
) -> None:
    with CloudClient(connection, adapter=cloud) as of_worker:
        of_worker.token()
        rotate(Connection.objects.get(pk=connection.pk), cloud)
        connection.token, connection.token_expires_at = "", None

        token = of_worker.token()

    assert token
    assert connection.app_key == Connection.objects.get(pk=connection.pk).app_key


def test_token_from_before_is_renewed_once(connection: Connection, cloud: WsgiAdapter) -> None:
    with CloudClient(connection, adapter=cloud) as of_worker:
        of_worker.token()
        rotate(Connection.objects.get(pk=connection.pk), cloud)

        with pytest.raises(CloudRejected) as refusal:
            of_worker.status("3f1c2a9e-0000-4000-8000-000000000001")

    assert refusal.value.code == "unknown_sync"


def test_two_at_once_agree_on_one_key(connection: Connection, ledger: Ledger) -> None:
    other = Connection.objects.get(pk=connection.pk)

    def second(request: PreparedRequest, response: Response) -> None:
        if request.method == "PUT":
            assert rotate(other, WsgiAdapter())

    assert rotate(connection, WsgiAdapter(interrupt=second))

    connection.refresh_from_db()
    assert is_accepted(connection, connection.app_key)
    assert ledger.installations.get().next_app_key == ""
    assert events("dotcom_connection.app_key_updated") == 1


def test_cloud_of_an_earlier_version_is_named_and_nothing_changes(connection: Connection, cloud: WsgiAdapter) -> None:
    def as_before(request: PreparedRequest, response: Response) -> None:
        if request.method == "PUT":
            again = WsgiAdapter().send(requests.Request("PUT", f"{connection.cloud_url}/api/v3/nothing").prepare())
            response.status_code, response.raw, response.headers = again.status_code, again.raw, again.headers

    before = connection.app_key

    with pytest.raises(CloudRejected) as refusal:
        rotate(connection, WsgiAdapter(interrupt=as_before))

    connection.refresh_from_db()
    assert (refusal.value.code, connection.app_key) == ("not_offered", before)


def test_key_that_the_cloud_does_not_know_gets_no_successor(
    connection: Connection, ledger: Ledger, cloud: WsgiAdapter
) -> None:
    Installation.objects.update(app_key=signing.public_pem(signing.new_app_key().public_key()))

    with pytest.raises(NotAuthorized):
        rotate(connection, cloud)


def test_server_that_is_not_connected_has_no_key_to_follow(
    connection: Connection, owner: User, cloud: WsgiAdapter
) -> None:
    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)

    with pytest.raises(NotConnected):
        rotate(connection, cloud)
