"""Enabling, completing, cancelling and disabling GitHub Connect, as a browser without JavaScript does it."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from connect.models import Connection
from licensesync import services
from licensesync.models import SeatSource, SyncJob
from tests.licensesync.world import CLOUD_URL
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage
from tests.support.hosts import free_port

HTMX = {"HX-Request": "true"}
LOOPBACK = ["127.0.0.1", "::1"]


def url(stage: Stage, name: str = "connection") -> str:
    return reverse(f"licensesync:{name}", args=[stage.slug])


def enable(client: Client, stage: Stage, cloud_url: str = CLOUD_URL) -> str:
    return client.post(url(stage, "connection_enable"), {"cloud_url": cloud_url}).headers["Location"]


def state_of(stage: Stage) -> str:
    stage.connection.refresh_from_db()
    return stage.connection.state


def test_enable_leads_to_the_cloud_with_manifest_and_state(stage: Stage, owner_client: Client) -> None:
    there = urlsplit(enable(owner_client, stage))

    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{CLOUD_URL}/enterprise-installations/new"
    assert set(parse_qs(there.query)) == {"manifest", "state"}
    assert state_of(stage) == Connection.State.PENDING


def test_page_admits_forms_to_the_clouds_and_nowhere_else(stage: Stage, owner_client: Client) -> None:
    policy = owner_client.get(url(stage)).headers["Content-Security-Policy"]

    assert f"form-action 'self' {CLOUD_URL}" in [part.strip() for part in policy.split(";")]


def test_owner_chooses_among_several_clouds(stage: Stage, owner_client: Client, settings: Settings) -> None:
    settings.CLOUD_URLS = [CLOUD_URL, "https://other.example"]

    page = owner_client.get(url(stage)).content.decode()
    there = enable(owner_client, stage, "https://other.example")

    assert '<option value="https://other.example">other.example</option>' in page
    assert there.startswith("https://other.example/enterprise-installations/new?")


@pytest.mark.parametrize("cloud_url", ["https://evil.example", ""])
def test_other_clouds_are_refused_beside_the_field(stage: Stage, owner_client: Client, cloud_url: str) -> None:
    response = owner_client.post(url(stage, "connection_enable"), {"cloud_url": cloud_url})

    assert response.status_code == 422
    assert "errorlist" in response.content.decode()
    assert state_of(stage) == Connection.State.NOT_CONNECTED


def test_console_without_a_cloud_says_where_to_name_it(stage: Stage, owner_client: Client, settings: Settings) -> None:
    settings.CLOUD_URLS = []

    assert "CLOUD_URLS" in owner_client.get(url(stage)).content.decode()


def test_answer_with_another_state_is_its_own_page_and_changes_nothing(stage: Stage, owner_client: Client) -> None:
    enable(owner_client, stage)

    response = owner_client.get(url(stage, "connection_complete"), {"code": "c" * 20, "state": "x"}, follow=True)

    assert "This answer does not belong to your setup" in response.content.decode()
    assert response.redirect_chain == [(f"{url(stage)}?problem=state_mismatch", 302)]
    assert state_of(stage) == Connection.State.PENDING
    assert stage.connection.pending_code == ""


def test_answer_in_another_session_is_refused(stage: Stage, owner_client: Client) -> None:
    state = parse_qs(urlsplit(enable(owner_client, stage)).query)["state"][0]
    another = Client()
    another.force_login(stage.owner)

    response = another.get(url(stage, "connection_complete"), {"code": "c" * 20, "state": state})

    assert response.headers["Location"].endswith("?problem=state_mismatch")


def test_answer_that_comes_too_late_says_so(stage: Stage, owner_client: Client) -> None:
    begun = stage.begun(minutes_ago=6)
    session = owner_client.session
    session[f"connect_state_{stage.server.pk}"] = begun.state
    session.save()

    response = owner_client.get(url(stage, "connection_complete"), {"code": "c" * 20, "state": begun.state})

    assert response.headers["Location"].endswith("?problem=setup_expired")


def test_retry_without_a_kept_code_says_that_it_is_over(stage: Stage, owner_client: Client) -> None:
    stage.begun()

    response = owner_client.post(url(stage, "connection_retry"), follow=True)

    assert "The setup took longer than 5 minutes" in response.content.decode()


def test_cancel_ends_the_setup(stage: Stage, owner_client: Client) -> None:
    enable(owner_client, stage)

    page = owner_client.post(url(stage, "connection_cancel"), follow=True).content.decode()

    assert "GitHub Connect is not enabled yet" in page
    assert state_of(stage) == Connection.State.NOT_CONNECTED


def test_enable_while_connected_changes_nothing(stage: Stage, owner_client: Client) -> None:
    scenes.sync_off(stage)

    page = owner_client.post(url(stage, "connection_enable"), {"cloud_url": CLOUD_URL}, follow=True)

    assert "GitHub Connect is already enabled." in page.content.decode()
    assert state_of(stage) == Connection.State.CONNECTED


def test_unknown_problem_in_the_address_shows_nothing(stage: Stage, owner_client: Client) -> None:
    page = owner_client.get(url(stage), {"problem": "<script>"}).content.decode()

    assert "<script>" not in page.replace("<script defer", "").replace("<script type", "")
    assert 'role="alert"' not in page


def connected_to_nobody(stage: Stage) -> None:
    """A connection to a port on which nothing listens."""
    scenes.sync_off(stage)
    Connection.objects.filter(pk=stage.connection.pk).update(cloud_url=f"http://127.0.0.1:{free_port()}")


@pytest.mark.allow_hosts(LOOPBACK)
def test_unreachable_cloud_changes_nothing_and_offers_the_second_choice(stage: Stage, owner_client: Client) -> None:
    connected_to_nobody(stage)

    response = owner_client.post(url(stage, "connection_disable"))

    assert response.status_code == 502
    assert 'name="even_if_unreachable"' in response.content.decode()
    assert state_of(stage) == Connection.State.CONNECTED


@pytest.mark.allow_hosts(LOOPBACK)
def test_second_choice_disables_on_this_server_alone(stage: Stage, owner_client: Client) -> None:
    connected_to_nobody(stage)

    page = owner_client.post(url(stage, "connection_disable"), {"even_if_unreachable": "on"}, follow=True)

    assert "The credentials on this server are deleted." in page.content.decode()
    assert state_of(stage) == Connection.State.DISCONNECTED
    assert stage.connection.app_key == ""


def test_disable_without_a_connection_leads_back(stage: Stage, owner_client: Client) -> None:
    response = owner_client.post(url(stage, "connection_disable"))

    assert (response.status_code, response.headers["Location"]) == (302, url(stage))


def _polled(client: Client, path: str) -> str:
    """The address that the page itself asks for again."""
    found = re.search(r'hx-get="([^"]+/state[^"]+)"', client.get(path).content.decode())
    assert found
    return unescape(found[1])


def test_state_is_asked_for_again_and_sent_only_when_it_changed(stage: Stage, owner_client: Client) -> None:
    scenes.first_sync_pending(stage)
    polled = _polled(owner_client, url(stage, "connection"))

    unchanged = owner_client.get(polled, headers=HTMX)
    services.request_sync(connection=stage.connection, by=None, at=stage.at)
    SyncJob.objects.update(started_at=stage.at)
    changed = owner_client.get(polled, headers=HTMX)

    assert (unchanged.status_code, unchanged.content, "HX-Refresh" in unchanged) == (204, b"", False)
    assert "Syncing" in changed.content.decode()
    assert "<html" not in changed.content.decode()


def test_page_says_which_seats_would_be_sent_and_looks_again_when_others_come(
    stage: Stage, owner_client: Client
) -> None:
    scenes.first_sync_pending(stage)
    page = owner_client.get(url(stage)).content.decode()
    fragment = _polled(owner_client, url(stage))
    SeatSource.objects.update(accounts=3, imported_at=stage.at + timedelta(minutes=1))

    changed = owner_client.get(fragment, headers=HTMX).content.decode()

    assert f"{scenes.ACCOUNTS} accounts listed" in " ".join(page.split())
    assert "3 accounts listed" in " ".join(changed.split())


@pytest.mark.parametrize("scene", [scenes.setup_pending, scenes.sync_off])
def test_change_of_more_than_the_state_loads_the_page_anew(
    stage: Stage, owner_client: Client, scene: scenes.Scene
) -> None:
    scene(stage)
    polled = _polled(owner_client, url(stage, "connection"))

    Connection.objects.update(
        state="disconnected", pending_until=None, app_id=None, installation_id=None, license_sync_enabled_at=None
    )

    assert owner_client.get(polled, headers=HTMX).headers["HX-Refresh"] == "true"


def test_setup_is_counted_down_beside_the_time_of_its_end(stage: Stage, owner_client: Client) -> None:
    scenes.setup_pending(stage)

    shown = owner_client.get(url(stage, "connection")).content.decode()

    assert 'format="elapsed" tense="future"' in shown
    assert "<time datetime=" in shown
    assert 'hx-trigger="every 2s"' in shown
