"""The toggle, Sync now, its progress and cancelling it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from enterprises.models import AuditEvent, User
from licensesync.models import SeatSource, SyncJob
from tests.factories import make_server_enterprise
from tests.licensesync.fake_cloud import refusal
from tests.licensesync.world import make_server, ndjson, seat
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage
from wire.messages import ErrorCode

HTMX = {"HX-Request": "true"}


def url(stage: Stage, name: str) -> str:
    return reverse(f"licensesync:{name}", args=[stage.slug])


def toggle(client: Client, stage: Stage, value: str) -> str:
    return client.post(url(stage, "license_sync"), {"license_sync": value}, follow=True).content.decode()


def is_enabled(stage: Stage) -> bool:
    stage.connection.refresh_from_db()
    return stage.connection.license_sync_enabled


def test_license_sync_cannot_be_enabled_before_connect(stage: Stage, owner_client: Client) -> None:
    page = toggle(owner_client, stage, "enabled")

    assert "License sync cannot be enabled before GitHub Connect is." in page
    assert not is_enabled(stage)


def test_enabling_is_audited_with_before_and_after(stage: Stage, owner_client: Client) -> None:
    scenes.sync_off(stage)

    page = toggle(owner_client, stage, "enabled")

    event = AuditEvent.objects.get(action="config_entry.update")
    assert "A sync starts within ten minutes." in page
    assert is_enabled(stage)
    assert (event.actor, event.ip) == (stage.owner, "127.0.0.1")
    assert (event.before, event.after) == ({"license_sync": "disabled"}, {"license_sync": "enabled"})


def test_disabling_says_that_nothing_is_sent_any_more(stage: Stage, owner_client: Client) -> None:
    scenes.first_sync_pending(stage)

    page = toggle(owner_client, stage, "disabled")

    assert "No people&#x27;s data is sent any more." in page
    assert not is_enabled(stage)


def test_saving_the_same_value_changes_nothing(stage: Stage, owner_client: Client) -> None:
    scenes.first_sync_pending(stage)
    before = AuditEvent.objects.count()

    assert "That was its value already." in toggle(owner_client, stage, "enabled")
    assert AuditEvent.objects.count() == before


def test_value_that_is_neither_changes_nothing(stage: Stage, owner_client: Client) -> None:
    scenes.first_sync_pending(stage)

    assert "Choose Enabled or Disabled." in toggle(owner_client, stage, "on")
    assert is_enabled(stage)


def test_sync_now_starts_one_job_and_shows_it(stage: Stage, owner_client: Client) -> None:
    scenes.first_sync_pending(stage)

    response = owner_client.post(url(stage, "sync_now"))
    owner_client.post(url(stage, "sync_now"))

    job = SyncJob.objects.get()
    assert response.headers["Location"] == url(stage, "license") + "#license-sync"
    assert (job.requested_by, job.trigger, job.kind) == (stage.owner, "person", "usage")


def test_sync_now_ends_the_waiting_of_a_failed_attempt(stage: Stage, owner_client: Client) -> None:
    scenes.waiting_to_retry(stage)
    waiting = SyncJob.objects.get().not_before

    owner_client.post(url(stage, "sync_now"))

    woken = SyncJob.objects.get().not_before
    assert waiting is not None
    assert woken is not None
    assert woken < waiting


@pytest.mark.parametrize(
    ("scene", "sentence"),
    [(scenes.no_connection, "GitHub Connect is not enabled"), (scenes.sync_off, "License sync is set to Disabled")],
)
def test_sync_now_says_why_it_does_nothing(
    stage: Stage, owner_client: Client, scene: scenes.Scene, sentence: str
) -> None:
    scene(stage)

    page = owner_client.post(url(stage, "sync_now"), follow=True).content.decode()

    assert sentence in page
    assert not SyncJob.objects.exists()


def test_removal_that_the_cloud_asked_about_is_confirmed(stage: Stage, owner_client: Client) -> None:
    scenes.shrink_unconfirmed(stage)

    owner_client.post(url(stage, "sync_now"), {"allow_shrink": "on"})

    assert SyncJob.objects.order_by("pk").last().allow_shrink  # type: ignore[union-attr]


def test_removal_that_the_cloud_asked_about_is_told_in_numbers(stage: Stage, owner_client: Client) -> None:
    world = stage.with_seats().connected(days_ago=2)
    world.run(world.request(by=stage.owner))
    seat(stage.server, ndjson(range(1, 4)))
    world.cloud.fail("open", lambda: refusal(409, ErrorCode.SHRINK_UNCONFIRMED), number=2)
    world.run(world.request(by=stage.owner))

    page = owner_client.get(url(stage, "license")).content.decode()

    assert f"The last sync that arrived held {scenes.ACCOUNTS} accounts, this one holds 3." in page


def test_cancel_ends_the_job_that_was_seen(stage: Stage, owner_client: Client) -> None:
    scenes.queued(stage)
    job = SyncJob.objects.get()

    page = owner_client.post(url(stage, "sync_cancel"), {"job": job.pk}, follow=True).content.decode()

    job.refresh_from_db()
    assert job.state == SyncJob.State.CANCELLED
    assert "The sync was cancelled." in page


def test_cancel_comes_too_late_once_the_cloud_applies(stage: Stage, owner_client: Client) -> None:
    scenes.applying(stage)
    job = SyncJob.objects.get()

    page = owner_client.post(url(stage, "sync_cancel"), {"job": job.pk}, follow=True).content.decode()

    job.refresh_from_db()
    assert job.state == SyncJob.State.APPLYING
    assert "It was too late to cancel" in page


def test_job_of_another_server_cannot_be_cancelled(stage: Stage, owner_client: Client) -> None:
    other = scenes.stage_of(make_server("other", "ghes2.octo.example").enterprise, stage.owner)
    scenes.queued(other)
    job = SyncJob.objects.get()

    response = owner_client.post(url(stage, "sync_cancel"), {"job": job.pk})

    job.refresh_from_db()
    assert (response.status_code, job.state) == (404, SyncJob.State.QUEUED)


def test_progress_is_silent_while_nothing_changes(stage: Stage, owner_client: Client) -> None:
    scenes.uploading(stage)
    page = owner_client.get(url(stage, "license")).content.decode()
    polled = page.split('hx-get="')[1].split('"')[0]

    unchanged = owner_client.get(polled, headers=HTMX)
    SyncJob.objects.update(parts_sent=3)
    changed = owner_client.get(polled, headers=HTMX)

    assert (unchanged.status_code, unchanged.content) == (204, b"")
    fragment = " ".join(changed.content.decode().split())
    assert "3 of 5 parts" in fragment
    assert 'id="license-sync-said" role="status" hx-swap-oob="innerHTML"' in fragment


def test_progress_tells_of_seats_that_came_meanwhile(stage: Stage, owner_client: Client) -> None:
    scenes.synced(stage)
    seen = owner_client.get(url(stage, "license")).content.decode().partition("?seen=")[2].partition('"')[0]
    SeatSource.objects.update(accounts=3, imported_at=stage.at + timedelta(minutes=1))

    fragment = owner_client.get(url(stage, "sync_progress"), {"seen": seen}, headers=HTMX).content.decode()

    assert "3 accounts listed" in " ".join(fragment.split())


def test_progress_asks_again_now_and_then_while_no_job_is_active(stage: Stage, owner_client: Client) -> None:
    scenes.synced(stage)

    fragment = owner_client.get(url(stage, "sync_progress"), headers=HTMX).content.decode()

    assert 'hx-trigger="every 15s"' in fragment
    assert "<html" not in fragment


def test_progress_without_htmx_leads_to_the_page(stage: Stage, owner_client: Client) -> None:
    response = owner_client.get(url(stage, "sync_progress"))

    assert response.headers["Location"] == url(stage, "license") + "#license-sync"


def test_next_run_is_shown_in_the_readers_zone(stage: Stage, owner_client: Client) -> None:
    scenes.synced(stage)
    User.objects.filter(pk=stage.owner.pk).update(time_zone="Asia/Tokyo")

    page = owner_client.get(url(stage, "license")).content.decode()

    assert " JST</time>" in page
    assert f'datetime="{stage.at + timedelta(days=5):%Y-%m-%dT%H:%M}' in page


def test_server_enterprise_without_a_server_is_not_found(owner: User, owner_client: Client) -> None:
    make_server_enterprise("bare", owner=owner)

    assert owner_client.get(reverse("licensesync:license", args=["bare"])).status_code == 404
