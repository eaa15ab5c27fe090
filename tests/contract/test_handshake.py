"""GitHub Connect from both ends: a real server, a real cloud, and answers that get lost between them."""

from datetime import timedelta

import pytest
import requests
import time_machine
from django.utils import timezone
from requests import PreparedRequest, Response

from cloud.models import Installation, Ledger
from cloud.services import disconnect_installation, remove_installation
from connect import handshake, services
from connect.client import CloudClient
from connect.failures import ClockSkew, CloudRejected, CloudUnavailable, InstallationGone, NotAuthorized, NotConnected
from connect.models import Connection, Server
from enterprises.models import AuditEvent, Scope, User
from tests.factories import make_token
from tests.support.line import IP, Journey, connect, consented, make_ledger, make_server
from tests.support.wsgi_adapter import WsgiAdapter


def finish(connection: Connection, journey: Journey, cloud: WsgiAdapter, by: User | None = None) -> Connection:
    return handshake.finish(
        connection=connection,
        code=journey.code,
        state=journey.state,
        session_state=journey.state,
        by=by,
        at=timezone.now(),
        ip=IP,
        adapter=cloud,
    )


def losing(path: str, times: int = 1) -> WsgiAdapter:
    """A cloud that does what it is asked, but whose answers about ``path`` do not arrive."""
    left = [times]

    def interrupt(request: PreparedRequest, response: Response) -> None:
        if path in str(request.url) and left[0]:
            left[0] -= 1
            raise requests.ConnectionError("lost")

    return WsgiAdapter(interrupt=interrupt)


def headless(connection: Connection, owner: User, cloud: WsgiAdapter, **changes: str) -> Connection:
    _token, secret = make_token(owner, Scope.ADMIN_ENTERPRISE, at=timezone.now())
    arguments = {"cloud_url": "http://localhost:8000", "account_slug": "octo", "token": secret} | changes
    return services.connect_headless(connection=connection, by=None, at=timezone.now(), adapter=cloud, **arguments)


def test_connecting_keeps_the_app_and_pins_the_receipt_keys(server: Server, ledger: Ledger, owner: User) -> None:
    connection = connect(server, ledger.enterprise, owner=owner)

    installation = ledger.installations.get()
    assert (connection.state, connection.app_id) == (Connection.State.CONNECTED, installation.pk)
    assert (connection.account_slug, connection.account_kind) == ("octo", "enterprise")
    assert [key["kid"] for key in connection.receipt_keys] == ["receipts-1"]
    assert (connection.base_revision, connection.base_snapshot_id) == (None, None)
    assert (connection.pending_app_key, connection.pending_code, connection.pending_state_digest) == ("", "", "")


def test_connecting_is_audited_without_secrets(connection: Connection, owner: User) -> None:
    event = AuditEvent.objects.get(action="dotcom_connection.create")

    assert (event.actor, event.ip, event.target) == (owner, IP, "ghes.octo.example")
    assert event.after == {
        "cloud_url": "http://localhost:8000",
        "account": "octo",
        "account_kind": "enterprise",
        "installation_id": connection.installation_id,
        "held_revision": None,
    }


def test_a_lost_answer_to_the_conversion_is_had_again(server: Server, ledger: Ledger, owner: User) -> None:
    journey = consented(server.connection, ledger.enterprise, owner=owner)
    cloud = losing("/conversions")
    with pytest.raises(CloudUnavailable):
        finish(server.connection, journey, cloud)
    assert server.connection.state == Connection.State.PENDING

    connection = handshake.retry(connection=server.connection, by=owner, at=timezone.now(), adapter=cloud)

    assert connection.installation_id == ledger.installations.get().pk
    assert AuditEvent.objects.filter(action="dotcom_connection.create").count() == 1


def test_an_app_that_nobody_heard_of_is_taken_over(server: Server, ledger: Ledger, owner: User) -> None:
    journey = consented(server.connection, ledger.enterprise, owner=owner)
    with pytest.raises(CloudUnavailable):
        finish(server.connection, journey, losing("/conversions"))
    later = timezone.now() + timedelta(minutes=6)
    with pytest.raises(handshake.HandshakeExpired):
        handshake.retry(connection=server.connection, by=owner, at=later, adapter=WsgiAdapter())

    connection = connect(server, ledger.enterprise, owner=owner)

    assert connection.installation_id == ledger.installations.get().pk


def test_cancelling_after_a_lost_answer_loses_nothing(server: Server, ledger: Ledger, owner: User) -> None:
    journey = consented(server.connection, ledger.enterprise, owner=owner)
    with pytest.raises(CloudUnavailable):
        finish(server.connection, journey, losing("/conversions"))

    assert handshake.cancel(connection=server.connection)
    assert server.connection.state == Connection.State.NOT_CONNECTED
    connection = connect(server, ledger.enterprise, owner=owner)

    assert connection.installation_id == ledger.installations.get().pk


def test_cancelling_before_any_code_forgets_the_key(server: Server, ledger: Ledger, owner: User) -> None:
    consented(server.connection, ledger.enterprise, owner=owner)

    assert handshake.cancel(connection=server.connection)

    assert server.connection.pending_app_key == ""
    assert not handshake.cancel(connection=server.connection)


def test_cancelling_while_the_cloud_answers_takes_the_app_back(server: Server, ledger: Ledger, owner: User) -> None:
    journey = consented(server.connection, ledger.enterprise, owner=owner)
    other_request = Connection.objects.get(pk=server.connection.pk)

    def cancel(request: PreparedRequest, response: Response) -> None:
        if "/conversions" in str(request.url):
            handshake.cancel(connection=other_request)

    with pytest.raises(handshake.HandshakeCancelled):
        finish(server.connection, journey, WsgiAdapter(interrupt=cancel))

    assert ledger.installations.get().state == Installation.State.DISCONNECTED
    assert server.connection.state == Connection.State.NOT_CONNECTED


def test_an_expired_code_is_rejected(server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter) -> None:
    long_ago = timezone.now() - timedelta(minutes=4, seconds=59)
    journey = consented(server.connection, ledger.enterprise, owner=owner, at=long_ago)
    ledger.refresh_from_db()
    Connection.objects.filter(pk=server.connection.pk).update(pending_until=timezone.now() + timedelta(minutes=1))

    with time_machine.travel(timezone.now() + timedelta(seconds=30)), pytest.raises(handshake.CodeRejected):
        finish(server.connection, journey, cloud)

    assert server.connection.state == Connection.State.NOT_CONNECTED


def test_a_code_for_another_server_is_rejected(server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter) -> None:
    other = make_server("other", hostname="other.octo.example", owner=owner)
    stolen = consented(other.connection, ledger.enterprise, owner=owner)
    own = consented(server.connection, ledger.enterprise, owner=owner)

    with pytest.raises(handshake.CodeRejected):
        finish(server.connection, Journey(own.state, stolen.code), cloud)

    assert not ledger.installations.exists()


def test_a_malformed_code_never_becomes_a_path(server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter) -> None:
    own = consented(server.connection, ledger.enterprise, owner=owner)

    with pytest.raises(handshake.CodeRejected):
        finish(server.connection, Journey(own.state, "../../app"), cloud)

    assert cloud.sent == []


def test_a_connection_that_exists_is_named(server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter) -> None:
    connect(server, ledger.enterprise, owner=owner)
    restored = make_server("restored", hostname=server.hostname, owner=owner)

    with pytest.raises(handshake.ConnectionExists, match=r"A connection for ghes\.octo\.example already exists"):
        headless(restored.connection, owner, cloud)

    restored.connection.refresh_from_db()
    assert restored.connection.state == Connection.State.NOT_CONNECTED


def test_a_connection_made_meanwhile_is_named_too(
    server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    journey = consented(server.connection, ledger.enterprise, owner=owner)
    connect(make_server("twin", hostname=server.hostname, owner=owner), ledger.enterprise, owner=owner)

    with pytest.raises(handshake.ConnectionExists):
        finish(server.connection, journey, cloud)


def test_headless(server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter) -> None:
    connection = headless(server.connection, owner, cloud)

    assert connection.is_connected
    assert cloud.calls == ["POST /api/v3/enterprises/octo/enterprise-installations"]
    assert AuditEvent.objects.get(action="dotcom_connection.create").actor_name == "system"


def test_headless_after_a_lost_answer(server: Server, ledger: Ledger, owner: User) -> None:
    cloud = losing("/enterprise-installations")
    with pytest.raises(CloudUnavailable):
        headless(server.connection, owner, cloud)
    server.connection.refresh_from_db()
    assert server.connection.state == Connection.State.NOT_CONNECTED

    connection = headless(server.connection, owner, cloud)

    assert connection.installation_id == ledger.installations.get().pk


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"token": "lss_wrong"}, NotAuthorized),
        ({"token": "two words"}, NotAuthorized),
        ({"account_slug": "nobody"}, CloudRejected),
        ({"account_slug": "../app"}, CloudRejected),
        ({"cloud_url": "http://elsewhere.example"}, handshake.CloudNotOffered),
    ],
)
def test_headless_refusals(
    server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter, changes: dict[str, str], failure: type[Exception]
) -> None:
    with pytest.raises(failure):
        headless(server.connection, owner, cloud, **changes)

    assert not ledger.installations.exists()


def test_headless_with_a_token_that_may_only_read(
    server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    _token, secret = make_token(owner, Scope.READ_ENTERPRISE, at=timezone.now())

    with pytest.raises(NotAuthorized):
        headless(server.connection, owner, cloud, token=secret)


@pytest.mark.parametrize("minutes", [-20, 10])
def test_headless_with_a_wrong_clock_names_the_clocks(
    server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter, minutes: int
) -> None:
    _token, secret = make_token(owner, Scope.ADMIN_ENTERPRISE, at=timezone.now())

    with pytest.raises(ClockSkew, match="clocks"):
        services.connect_headless(
            connection=server.connection,
            cloud_url="http://localhost:8000",
            account_slug="octo",
            token=secret,
            by=None,
            at=timezone.now() + timedelta(minutes=minutes),
            adapter=cloud,
        )

    assert not ledger.installations.exists()


def test_disconnecting_deletes_the_app_and_the_credentials(
    connection: Connection, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    with CloudClient(connection, adapter=cloud) as client:
        client.token()

    services.disconnect(connection=connection, by=owner, at=timezone.now(), ip=IP, adapter=cloud)

    assert ledger.installations.get().state == Installation.State.DISCONNECTED
    assert (connection.state, connection.app_id, connection.installation_id) == ("disconnected", None, None)
    assert (connection.app_key, connection.token, connection.receipt_keys) == ("", "", [])
    event = AuditEvent.objects.get(action="dotcom_connection.destroy")
    assert (event.actor, event.after) == (owner, {"app_on_cloud": "deleted"})
    assert event.before == {
        "cloud_url": "http://localhost:8000",
        "account": "octo",
        "account_kind": "enterprise",
        "installation_id": ledger.installations.get().pk,
        "license_sync_enabled_at": None,
    }


def test_disconnecting_ends_license_sync(connection: Connection, owner: User, cloud: WsgiAdapter) -> None:
    Connection.objects.filter(pk=connection.pk).update(license_sync_enabled_at=timezone.now())

    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)

    assert not connection.license_sync_enabled


@pytest.mark.parametrize("is_removed", [False, True])
def test_disconnecting_from_a_cloud_that_forgot_us(
    connection: Connection, ledger: Ledger, owner: User, cloud: WsgiAdapter, is_removed: bool
) -> None:
    end = remove_installation if is_removed else disconnect_installation
    end(installation=ledger.installations.get(), by=owner, at=timezone.now())

    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)

    assert connection.state == Connection.State.DISCONNECTED
    assert AuditEvent.objects.get(action="dotcom_connection.destroy").after == {"app_on_cloud": "was_gone"}


def test_disconnecting_without_the_cloud_needs_to_be_meant(connection: Connection, owner: User) -> None:
    cloud = losing("/app/installations", times=2)
    with pytest.raises(CloudUnavailable):
        services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)
    connection.refresh_from_db()
    assert connection.is_connected

    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud, even_if_unreachable=True)

    assert connection.state == Connection.State.DISCONNECTED
    assert AuditEvent.objects.get(action="dotcom_connection.destroy").after == {"app_on_cloud": "not_reached"}


def test_a_lost_answer_to_disconnecting_is_no_trap(connection: Connection, owner: User) -> None:
    cloud = losing("/app/installations")
    with pytest.raises(CloudUnavailable):
        services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)

    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)

    assert connection.state == Connection.State.DISCONNECTED


def test_disconnecting_twice_says_so(connection: Connection, owner: User, cloud: WsgiAdapter) -> None:
    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)

    with pytest.raises(NotConnected):
        services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)


def test_reconnecting_revives_the_installation_with_a_new_key(
    connection: Connection, ledger: Ledger, server: Server, owner: User, cloud: WsgiAdapter
) -> None:
    before = ledger.installations.get()
    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)
    server.refresh_from_db()

    connect(server, ledger.enterprise, owner=owner)

    after = ledger.installations.get()
    assert (after.pk, after.state) == (before.pk, Installation.State.CONNECTED)
    assert after.app_key != before.app_key


def test_connecting_elsewhere_adopts_nothing_from_before(
    connection: Connection, server: Server, owner: User, cloud: WsgiAdapter
) -> None:
    Connection.objects.filter(pk=connection.pk).update(
        base_revision=7, base_snapshot_id="3f1c2a9e-0000-4000-8000-000000000001"
    )
    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)
    server.refresh_from_db()

    again = connect(server, make_ledger("elsewhere", owner=owner).enterprise, owner=owner)

    assert (again.account_slug, again.base_revision, again.base_snapshot_id) == ("elsewhere", None, None)


def test_a_removed_installation_is_reported_as_gone(
    connection: Connection, ledger: Ledger, owner: User, cloud: WsgiAdapter
) -> None:
    remove_installation(installation=ledger.installations.get(), by=owner, at=timezone.now())

    with CloudClient(connection, adapter=cloud) as client, pytest.raises(InstallationGone):
        client.token()
