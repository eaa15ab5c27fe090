"""What an owner decides on the page, who may, and what is refused."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.models import Connection, Server
from enterprises.models import User
from licensesync import services
from licensesync.models import SyncJob
from licensesync.pages.decision import decision_page
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage
from tests.support.hosts import free_port

LOOPBACK = ["127.0.0.1", "::1"]


def url(stage: Stage, name: str) -> str:
    return reverse(f"licensesync:{name}", args=[stage.slug])


def refused(stage: Stage) -> SyncJob:
    return SyncJob.objects.get(state=SyncJob.State.FAILED)


def decide(client: Client, stage: Stage, choice: str, **fields: str) -> tuple[int, str]:
    """Send a choice; the status, and the page that comes of it."""
    data = {"choice": choice, "job": str(refused(stage).pk), "sure": "on", **fields}
    response = client.post(url(stage, "decision"), data, follow=True)
    return response.redirect_chain[0][1] if response.redirect_chain else response.status_code, response.content.decode()


def test_copy_becomes_a_server_of_its_own(stage: Stage, owner_client: Client) -> None:
    scenes.restored(stage)
    before = Server.objects.get(pk=stage.server.pk)

    status, page = decide(owner_client, stage, "copy", hostname="Staging.octo.example")

    after = Server.objects.get(pk=stage.server.pk)
    assert status == 302
    assert "staging.octo.example is a server of its own now" in page
    assert "GitHub Connect is not enabled yet" in page
    assert after.server_id != before.server_id
    assert after.connection.state == Connection.State.NOT_CONNECTED


def test_command_disables_no_possible_copy_unasked(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.restored(stage)
    disabled: list[Connection] = []

    def disable(*, connection: Connection, **_asked: object) -> Connection:
        disabled.append(connection)
        return connection

    monkeypatch.setattr(services, "disconnect", disable)

    with pytest.raises(CommandError, match="the original loses its connection"):
        call_command("disconnect_enterprise", stage.slug)
    assert disabled == []

    call_command("disconnect_enterprise", stage.slug, "--although-undecided")
    assert disabled == [stage.connection]


def test_disable_warns_whoever_may_be_a_copy(stage: Stage, owner_client: Client) -> None:
    """The two share one App, and Disable deletes it."""
    scenes.restored(stage)
    warning = "the original loses its connection"

    assert warning in owner_client.get(url(stage, "connection_disable")).content.decode()
    assert warning in owner_client.get(url(stage, "connection")).content.decode()

    SyncJob.objects.filter(pk=refused(stage).pk).update(decision="original")
    assert warning not in owner_client.get(url(stage, "connection_disable")).content.decode()


def test_name_of_the_original_is_refused_beside_its_field(stage: Stage, owner_client: Client) -> None:
    scenes.restored(stage)

    status, page = decide(owner_client, stage, "copy", hostname="ghes1.octo.example")

    assert status == 422
    assert 'id="id_copy_hostname_error"' in page
    assert "A copy needs a host name of its own" in page


def test_nobody_decides_without_being_sure(stage: Stage, owner_client: Client) -> None:
    scenes.shrinking(stage)

    status, page = decide(owner_client, stage, "shrink", sure="")

    assert status == 422
    assert "Confirm that this is so." in page
    assert refused(stage).decision == ""


def test_removal_is_confirmed_and_syncs(stage: Stage, owner_client: Client) -> None:
    scenes.shrinking(stage)
    job = refused(stage)

    _status, page = decide(owner_client, stage, "shrink")

    assert "A sync has started that may remove the accounts" in page
    job.refresh_from_db()
    assert job.decision == "shrink"
    assert SyncJob.objects.active().get().allow_shrink


def test_second_owner_is_told_that_it_was_decided(stage: Stage, owner_client: Client) -> None:
    scenes.shrinking(stage)
    decide(owner_client, stage, "shrink")

    _status, page = decide(owner_client, stage, "shrink")

    assert "This was decided already" in page
    assert SyncJob.objects.active().count() == 1


def test_choice_of_another_question_decides_nothing(stage: Stage, owner_client: Client) -> None:
    scenes.restored(stage)

    _status, page = decide(owner_client, stage, "shrink")

    assert "Nothing was changed." in page
    assert not SyncJob.objects.active().exists()


@pytest.mark.allow_hosts(LOOPBACK)
def test_cloud_that_is_out_of_reach_leaves_the_question_open(stage: Stage, owner_client: Client) -> None:
    scenes.restored(stage)
    Connection.objects.update(cloud_url=f"http://127.0.0.1:{free_port()}")

    _status, page = decide(owner_client, stage, "original")

    assert "Nothing was decided." in page
    assert "This is the original" in page
    assert refused(stage).decision == ""


def test_billing_manager_sees_what_was_seen_and_no_button(stage: Stage, client: Client, billing_manager: User) -> None:
    scenes.restored(stage)
    client.force_login(billing_manager)

    page = client.get(url(stage, "decision")).content.decode()

    assert "5,210" in page
    assert "Only an enterprise owner can decide." in page
    assert 'name="sure"' not in page


def test_server_that_was_kept_out_becomes_a_copy(stage: Stage, owner_client: Client) -> None:
    scenes.no_connection(stage)
    before = stage.server.server_id

    owner_client.post(url(stage, "decision"), {"choice": "copy", "hostname": "staging.octo.example", "sure": "on"})

    after = Server.objects.get(pk=stage.server.pk)
    assert (after.hostname, after.server_id == before) == ("staging.octo.example", False)


def test_question_of_an_older_connection_is_not_asked(stage: Stage) -> None:
    scenes.restored(stage)
    Connection.objects.update(connected_at=timezone.now())
    stage.server.connection.refresh_from_db()

    page = decision_page(stage.server, at=timezone.now(), is_owner=True)

    assert page.code == ""


def test_disabled_sync_is_not_started_by_a_decision(stage: Stage, owner_client: Client) -> None:
    scenes.shrinking(stage)
    services.set_license_sync(connection=stage.connection, enabled=False, by=None, at=timezone.now())

    _status, page = decide(owner_client, stage, "shrink")

    assert "License sync is disabled." in page
    assert refused(stage).decision == ""
    assert not SyncJob.objects.active().filter(kind=SyncJob.Kind.USAGE).exists()
