"""What an owner decides after the cloud refused a sync, from both ends: the real server, and the real cloud."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from django.utils import timezone
from requests import PreparedRequest, Response

from cloud.intake import apply
from cloud.models import Installation, Intake, Ledger
from cloud.services import remove_installation
from connect import services as connecting
from connect.commands import failures
from connect.failures import CloudRejected, CloudUnavailable
from connect.handshake import ConnectionExists
from connect.models import Connection, Server
from enterprises.models import AuditEvent, Scope, User
from licensesync import deciding, services
from licensesync.models import SyncJob
from licensesync.syncing import run as sync
from tests.factories import make_token
from tests.licensesync.world import make_server, ndjson, seat
from tests.support.line import connect, make_ledger
from tests.support.wsgi_adapter import WsgiAdapter


def work(_seconds: float = 0) -> None:
    """Do what a worker of the cloud does while a server waits."""
    for intake in Intake.objects.filter(state=Intake.State.APPLYING):
        apply(intake.pk, timezone.now)


def run(job: SyncJob, cloud: WsgiAdapter) -> SyncJob:
    sync.run(job.pk, adapter=cloud, wait=work)
    job.refresh_from_db()
    return job


def synced(connection: Connection, cloud: WsgiAdapter, *, accounts: int = 3) -> SyncJob:
    """A sync of so many accounts, whatever becomes of it."""
    seat(connection.server, ndjson(range(1, accounts + 1)))
    return run(services.request_sync(connection=connection, by=None, at=timezone.now()), cloud)


def audited(action: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the one event of that kind says of before and after."""
    event = AuditEvent.objects.get(action=action)
    return event.before or {}, event.after or {}


def original(connection: Connection, job: SyncJob, cloud: WsgiAdapter) -> SyncJob | None:
    return deciding.confirm_original(
        connection=connection, job_id=job.pk, by=None, at=timezone.now(), ip="192.0.2.7", adapter=cloud
    )


def copy(connection: Connection, job: SyncJob, hostname: str) -> None:
    deciding.confirm_copy(connection=connection, job_id=job.pk, hostname=hostname, by=None, at=timezone.now())


@pytest.fixture
def connection(connection: Connection, cloud: WsgiAdapter) -> Connection:
    """Connected, enabled, and synced once."""
    services.set_license_sync(connection=connection, enabled=True, by=None, at=timezone.now())
    assert synced(connection, cloud).state == SyncJob.State.SUCCEEDED
    connection.refresh_from_db()
    return connection


@pytest.fixture
def restored(connection: Connection, cloud: WsgiAdapter) -> tuple[Connection, SyncJob]:
    """The server as a backup has it, or a copy of it: the other one synced five accounts meanwhile."""
    before = {"base_revision": connection.base_revision, "base_snapshot_id": connection.base_snapshot_id}
    assert synced(connection, cloud, accounts=5).state == SyncJob.State.SUCCEEDED
    Connection.objects.filter(pk=connection.pk).update(**before)
    connection.refresh_from_db()
    refused = synced(connection, cloud, accounts=4)
    assert (refused.state, refused.error_code) == (SyncJob.State.FAILED, "revision_conflict")
    return connection, refused


def test_refusal_says_what_the_cloud_holds(restored: tuple[Connection, SyncJob]) -> None:
    decision = deciding.pending(restored[0])

    assert decision is not None
    assert decision.held is not None
    assert (decision.held.hostname, decision.held.revision, decision.held.accounts) == ("ghes.octo.example", 2, 5)
    assert decision.held.snapshot_id == str(Installation.objects.get().snapshot_id)
    assert decision.held.synced_at == Installation.objects.get().last_sync_at


def test_nobody_calls_it_a_copy_while_the_cloud_hears_that_it_is_the_original(
    restored: tuple[Connection, SyncJob], cloud: WsgiAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, refused = restored
    refusals = []
    send = cloud.send

    def meanwhile(request: PreparedRequest, *args: Any, **options: Any) -> Response:
        if request.path_url.endswith("/app/key"):
            with pytest.raises(deciding.NothingToDecide) as refusal:
                copy(Connection.objects.get(pk=connection.pk), refused, "copy.octo.example")
            refusals.append(refusal)
        return send(request, *args, **options)

    monkeypatch.setattr(cloud, "send", meanwhile)

    job = original(connection, refused, cloud)

    assert len(refusals) == 1
    assert job is not None
    assert run(job, cloud).state == SyncJob.State.SUCCEEDED


def test_owner_whose_request_died_keeps_nobody_from_deciding_for_long(
    restored: tuple[Connection, SyncJob], cloud: WsgiAdapter
) -> None:
    connection, refused = restored
    at = timezone.now()
    SyncJob.objects.filter(pk=refused.pk).update(lease_until=at + timedelta(minutes=4))
    with pytest.raises(deciding.NothingToDecide):
        original(connection, refused, cloud)
    assert deciding.pending(connection) is not None

    SyncJob.objects.filter(pk=refused.pk).update(lease_until=at - timedelta(minutes=1))
    job = original(connection, refused, cloud)

    refused.refresh_from_db()
    assert (refused.decision, refused.lease_until) == ("original", None)
    assert job is not None


def test_original_goes_on_from_what_is_held_and_cuts_the_copy_off(
    restored: tuple[Connection, SyncJob], cloud: WsgiAdapter
) -> None:
    connection, refused = restored
    keys = connection.app_key

    job = original(connection, refused, cloud)

    assert job is not None
    assert run(job, cloud).state == SyncJob.State.SUCCEEDED
    held = Installation.objects.get()
    assert (held.revision, held.accounts) == (3, 4)
    assert deciding.pending(connection) is None
    before, after = audited("license_sync.declared_original")
    assert (before["revision"], after["revision"]) == (1, 2)
    # The other one has the former key, and nothing else.
    Connection.objects.filter(pk=connection.pk).update(app_key=keys, token="", token_expires_at=None)
    connection.refresh_from_db()
    other = synced(connection, cloud, accounts=1)
    assert (other.state, other.error_code) == (SyncJob.State.FAILED, "not_authorized")
    cut_off = deciding.pending(connection)
    assert cut_off is not None
    assert cut_off.choices == (deciding.Choice.COPY,)


def test_decision_is_made_once(restored: tuple[Connection, SyncJob], cloud: WsgiAdapter) -> None:
    connection, refused = restored
    original(connection, refused, cloud)

    with pytest.raises(deciding.NothingToDecide):
        original(connection, refused, cloud)
    with pytest.raises(deciding.NothingToDecide):
        copy(connection, refused, "copy.octo.example")

    assert AuditEvent.objects.filter(action="license_sync.declared_original").count() == 1


@pytest.mark.parametrize("path", ["/app/key", "/app"])
def test_lost_answer_decides_nothing_that_cannot_be_done_again(
    restored: tuple[Connection, SyncJob], cloud: WsgiAdapter, path: str
) -> None:
    connection, refused = restored
    left = [1]

    def interrupt(request: PreparedRequest, response: Response) -> None:
        if str(request.url).endswith(path) and left:
            left.clear()
            raise requests.ConnectionError("lost")

    try:
        job = original(connection, refused, WsgiAdapter(interrupt=interrupt))
    except CloudUnavailable:
        assert deciding.pending(connection) is not None
        job = original(connection, refused, cloud)

    assert not left
    assert job is not None
    assert run(job, cloud).state == SyncJob.State.SUCCEEDED


def test_copy_leaves_the_original_alone_and_connects_as_another_server(
    restored: tuple[Connection, SyncJob], ledger: Ledger, owner: User
) -> None:
    connection, refused = restored
    before = Installation.objects.values().get()
    server_id, identity = connection.server.server_id, connection.server.identity_key

    copy(connection, refused, "Copy.Octo.example ")

    server = Server.objects.get(pk=connection.server.pk)
    assert (server.hostname, server.connection.state) == ("copy.octo.example", Connection.State.NOT_CONNECTED)
    assert server.server_id != server_id
    assert server.identity_key != identity
    assert (server.connection.app_key, server.connection.base_revision) == ("", None)
    assert Installation.objects.values().get() == before
    assert audited("license_sync.declared_copy")[0]["server_id"] == str(server_id)
    made = connect(server, ledger.enterprise, owner=owner)
    assert made.is_connected
    assert Installation.objects.filter(state=Installation.State.CONNECTED).count() == 2


def test_copy_needs_a_name_of_its_own(restored: tuple[Connection, SyncJob]) -> None:
    connection, refused = restored

    with pytest.raises(deciding.NameTaken):
        copy(connection, refused, "ghes.octo.example")

    assert deciding.pending(connection) is not None


@pytest.fixture
def renamed(connection: Connection, cloud: WsgiAdapter) -> tuple[Connection, SyncJob]:
    """The server has a new name, and the cloud stopped it."""
    connecting.rename_server(server=connection.server, hostname="new.octo.example", by=None, at=timezone.now())
    refused = synced(connection, cloud, accounts=4)
    assert (refused.state, refused.error_code) == (SyncJob.State.FAILED, "hostname_changed")
    return connection, refused


def test_renamed_server_is_known_under_its_new_name(renamed: tuple[Connection, SyncJob], cloud: WsgiAdapter) -> None:
    connection, refused = renamed

    job = original(connection, refused, cloud)

    assert job is not None
    assert run(job, cloud).state == SyncJob.State.SUCCEEDED
    held = Installation.objects.get()
    assert (held.hostname, held.revision, held.accounts) == ("new.octo.example", 2, 4)
    before, after = audited("enterprise_installation.rename")
    assert (before["hostname"], after["hostname"]) == ("ghes.octo.example", "new.octo.example")


def test_name_of_another_connected_server_is_not_taken(renamed: tuple[Connection, SyncJob], cloud: WsgiAdapter) -> None:
    connection, refused = renamed
    mine = Installation.objects.get()
    Installation.objects.create(
        ledger=mine.ledger,
        server_id="5b1a6bb2-5f0e-4e0c-9f43-3c5a4b1b2c3d",
        hostname="new.octo.example",
        app_key=mine.app_key,
        server_key=mine.server_key,
        created_at=timezone.now(),
    )

    with pytest.raises(CloudRejected) as failure:
        original(connection, refused, cloud)

    assert failure.value.code == "connection_exists"
    assert Installation.objects.get(pk=mine.pk).hostname == "ghes.octo.example"
    assert deciding.pending(connection) is not None


def test_older_cloud_is_told_from_a_newer_one(renamed: tuple[Connection, SyncJob], cloud: WsgiAdapter) -> None:
    connection, refused = renamed
    SyncJob.objects.filter(pk=refused.pk).update(cloud_held=None)

    with pytest.raises(deciding.HeldUnknown):
        original(connection, refused, cloud)


def test_large_shrink_is_confirmed_and_syncs(connection: Connection, cloud: WsgiAdapter) -> None:
    assert synced(connection, cloud, accounts=60).state == SyncJob.State.SUCCEEDED
    services.import_seats(
        server=connection.server,
        stream=io.BytesIO(ndjson(range(1, 11))),
        by=None,
        at=timezone.now(),
        allow_shrink=True,
    )
    refused = run(services.request_sync(connection=connection, by=None, at=timezone.now()), cloud)
    assert (refused.state, refused.error_code) == (SyncJob.State.FAILED, "shrink_unconfirmed")
    decision = deciding.pending(connection)
    assert decision is not None
    assert decision.held is not None
    assert (decision.held.accounts, refused.accounts) == (60, 10)

    job = deciding.confirm_shrink(connection=connection, job_id=refused.pk, by=None, at=timezone.now())

    assert run(job, cloud).state == SyncJob.State.SUCCEEDED
    assert Installation.objects.get().accounts == 10


def test_command_says_what_was_seen(restored: tuple[Connection, SyncJob], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("resolve_conflict", "octo-server", "--json")
    seen = json.loads(capsys.readouterr().out)
    call_command("resolve_conflict", "octo-server")

    assert (seen["code"], seen["choices"]) == ("revision_conflict", ["original", "copy"])
    assert (seen["here"]["revision"], seen["cloud"]["revision"], seen["cloud"]["accounts"]) == (1, 2, 5)
    assert "The cloud: ghes.octo.example, revision 2, 5 accounts" in capsys.readouterr().out


def test_command_makes_a_copy(restored: tuple[Connection, SyncJob], capsys: pytest.CaptureFixture[str]) -> None:
    call_command("resolve_conflict", "octo-server", "--copy", "--hostname", "copy.octo.example", "--json")

    made = json.loads(capsys.readouterr().out)
    assert (made["state"], made["hostname"]) == ("not_connected", "copy.octo.example")
    assert made["server_id"] == str(Server.objects.get().server_id)


def test_stale_connection_says_which_one_it_is(connection: Connection, owner: User, cloud: WsgiAdapter) -> None:
    """Disabled on the server alone, its credentials are gone; the cloud's owner removes what is left there."""

    def lose(_request: PreparedRequest, _response: Response) -> None:
        raise requests.ConnectionError("lost")

    # A new App would be this very App again, were its key in this process's pool.
    server = Server.objects.get(pk=connection.server.pk)
    Installation.objects.update(app_key="another")
    services.disconnect(
        connection=connection,
        by=owner,
        at=timezone.now(),
        adapter=WsgiAdapter(interrupt=lose),
        even_if_unreachable=True,
    )
    assert Connection.objects.get().is_left_on_cloud

    with pytest.raises(ConnectionExists) as refused:
        _headless(server.connection, owner, cloud)

    existing = refused.value.existing
    assert existing is not None
    assert (existing.hostname, existing.account, existing.accounts) == ("ghes.octo.example", "octo", 3)
    assert (existing.server_id, existing.connected_by) == (str(server.server_id), "olivia")
    assert existing.url == "http://localhost:8000/enterprises/octo/licensing"
    assert existing.synced_at == Installation.objects.get().last_sync_at
    with pytest.raises(CommandError, match=str(server.server_id)), failures():
        raise refused.value

    remove_installation(installation=Installation.objects.get(), by=owner, at=timezone.now())
    assert _headless(server.connection, owner, cloud).is_connected
    assert not Connection.objects.get().is_left_on_cloud


def _headless(connection: Connection, owner: User, cloud: WsgiAdapter) -> Connection:
    _token, secret = make_token(owner, Scope.ADMIN_ENTERPRISE, at=timezone.now())
    return connecting.connect_headless(
        connection=Connection.objects.get(pk=connection.pk),
        cloud_url="http://localhost:8000",
        account_slug="octo",
        token=secret,
        by=None,
        at=timezone.now(),
        adapter=cloud,
    )


def test_connecting_to_another_account_forgets_what_the_first_one_holds(
    connection: Connection, owner: User, cloud: WsgiAdapter
) -> None:
    services.disconnect(connection=connection, by=owner, at=timezone.now(), adapter=cloud)
    other = make_ledger("other", owner=owner)

    made = connect(Server.objects.get(pk=connection.server.pk), other.enterprise, owner=owner)

    assert (made.account_slug, made.base_revision, made.base_snapshot_id) == ("other", None, None)
    assert Installation.objects.get(ledger__enterprise__slug="octo").accounts == 3
    services.set_license_sync(connection=made, enabled=True, by=owner, at=timezone.now())
    assert synced(made, cloud).state == SyncJob.State.SUCCEEDED
    assert Installation.objects.get(ledger=other).revision == 1


@pytest.mark.django_db
def test_server_that_was_kept_out_is_called_a_copy_by_command(capsys: pytest.CaptureFixture[str]) -> None:
    server = make_server("octo-server", "ghes.octo.example")
    former = server.server_id

    with pytest.raises(CommandError, match="A copy needs a host name of its own"):
        call_command("resolve_conflict", "octo-server", "--copy", "--hostname", "ghes.octo.example")
    call_command("resolve_conflict", "octo-server", "--copy", "--hostname", "copy.octo.example", "--json")

    told = json.loads(capsys.readouterr().out)
    server.refresh_from_db()
    assert (told["decision"], told["hostname"], told["state"]) == ("copy", "copy.octo.example", "not_connected")
    assert told["server_id"] == str(server.server_id) != str(former)
