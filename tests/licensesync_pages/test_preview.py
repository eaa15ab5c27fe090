"""The preview on its page: asked for, watched, read, said to be old; and what a sync changed on the License page."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enterprises.models import RoleName
from enterprises.services import grant_role
from licensesync.models import SeatSource, SyncJob
from licensesync.pages.preview import preview_page
from licensesync.services import request_sync
from tests.factories import make_user
from tests.licensesync.fake_cloud import refusal
from tests.licensesync.test_differences import people
from tests.licensesync.world import World, ndjson, seat
from tests.licensesync_pages.scenes import Stage

pytestmark = pytest.mark.django_db

NOTHING_APPLIED = "Nothing was applied"
AGES = ["A sync has been applied since", "The seats have changed since", "This preview is old"]


@pytest.fixture
def world(stage: Stage) -> World:
    made = stage.with_seats().connected()
    made.cloud.people = people(
        (1, "user1@octo.example", "added"),
        (40, "gone@octo.example", "removed"),
        people_added=31,
        people_removed=1,
        licenses_added=31,
        licenses_removed=1,
    )
    made.clock.now = timezone.now()
    return made


def url(name: str, stage: Stage) -> str:
    return reverse(f"licensesync:{name}", args=[stage.slug])


def preview(world: World) -> SyncJob:
    return world.run(world.request(kind=SyncJob.Kind.PREVIEW))


def read(client: Client, stage: Stage, name: str = "preview") -> str:
    return client.get(url(name, stage)).content.decode()


def test_owner_asks_watches_and_reads(stage: Stage, world: World, owner_client: Client) -> None:
    assert "Nothing was previewed yet" in read(owner_client, stage)

    response = owner_client.post(url("preview", stage))

    job = SyncJob.objects.get(kind=SyncJob.Kind.PREVIEW)
    assert (response.status_code, response["Location"]) == (302, url("preview", stage))
    assert "Waiting for a free worker" in read(owner_client, stage)
    world.run(job)
    page = read(owner_client, stage)
    assert NOTHING_APPLIED in page
    assert "Would come" in page
    assert "and 30 more" in page
    assert f'href="https://cloud.example/enterprises/octo/people?q={stage.server.hostname}%3A40"' in page
    assert 'value="on"' not in page
    assert world.cloud.held is None


def test_fragment_comes_only_when_something_changed(stage: Stage, world: World, owner_client: Client) -> None:
    job = world.request(kind=SyncJob.Kind.PREVIEW)
    seen = preview_page(stage.server, timezone.now(), is_owner=True).fingerprint

    def ask() -> int:
        fragment = owner_client.get(url("preview", stage), {"seen": seen}, headers={"HX-Request": "true"})
        return fragment.status_code

    assert ask() == 204
    world.run(job)
    assert ask() == 200


def test_billing_manager_looks_and_cannot_start(stage: Stage, world: World, client: Client) -> None:
    preview(world)
    manager = make_user("manager")
    grant_role(user=manager, enterprise=stage.server.enterprise, role=RoleName.BILLING_MANAGER, at=stage.at)
    client.force_login(manager)

    page = read(client, stage)

    assert NOTHING_APPLIED in page
    assert "Only an enterprise owner can ask for a preview" in page
    assert '<form method="post" action="/enterprises' not in page
    assert "cloud.example/enterprises/octo/people" not in page


def test_large_shrink_is_seen_before_the_cloud_refuses_it(stage: Stage, world: World, owner_client: Client) -> None:
    seat(stage.server, ndjson(range(1, 101)), at=stage.at)
    world.sync()
    seat(stage.server, ndjson(range(1, 61)), at=stage.at, allow_shrink=True)
    preview(world)

    page = read(owner_client, stage)

    assert "A sync would remove 40 of 100 accounts." in page
    assert "Yes, remove them: sync now" in page


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [("sync", AGES[0]), ("import", AGES[1]), ("time", AGES[2]), ("its own refresh", None), ("nothing", None)],
)
def test_preview_of_the_past_says_so(
    stage: Stage, world: World, owner_client: Client, happens: str, sentence: str | None
) -> None:
    preview(world)
    later = timezone.now() + timedelta(minutes=10)
    if happens == "sync":
        world.clock.move(minutes=1)
        world.sync()
    if happens == "import":
        SeatSource.objects.update(imported_at=later)
    if happens == "its own refresh":
        SeatSource.objects.update(imported_at=later)
        SyncJob.objects.update(refreshed_at=later, finished_at=later)
    if happens == "time":
        later += timedelta(hours=1)

    with time_machine.travel(later, tick=False):
        page = read(owner_client, stage)

    assert NOTHING_APPLIED in page
    assert [each for each in AGES if each in page] == ([sentence] if sentence else [])


def test_beside_a_sync_there_is_no_preview(stage: Stage, world: World, owner_client: Client) -> None:
    job = world.request()

    owner_client.post(url("preview", stage))

    assert list(SyncJob.objects.active().filter(slot="sync")) == [job]
    page = read(owner_client, stage)
    assert "A sync is under way." in page
    assert "See what would change" not in page


def test_beside_a_preview_of_something_else_it_waits(stage: Stage, world: World, owner_client: Client) -> None:
    preview(world)
    request_sync(
        connection=world.connection,
        by=None,
        at=stage.at,
        kind=SyncJob.Kind.PREVIEW,
        omits=SyncJob.Omits.DORMANT,
    )

    page = read(owner_client, stage)

    assert "A preview of something else is under way." in page
    assert NOTHING_APPLIED in page
    assert "Preview again" not in page


def test_failed_preview_says_why_and_is_tried_again(stage: Stage, world: World, owner_client: Client) -> None:
    world.cloud.fail("open", lambda: refusal(409, "hostname_changed"))
    preview(world)

    page = read(owner_client, stage)

    assert 'role="alert"' in page
    assert "Try again now" in page


def test_cancelled_preview_leads_back(stage: Stage, world: World, owner_client: Client) -> None:
    job = world.request(kind=SyncJob.Kind.PREVIEW)

    response = owner_client.post(url("sync_cancel", stage), {"job": job.pk})

    assert response["Location"] == url("preview", stage)
    assert "Preview again" in read(owner_client, stage)


def test_without_a_connection_it_says_what_is_missing(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()

    page = read(owner_client, stage)

    assert "This server is not connected to a cloud account." in page
    assert "See what would change" not in page


def test_sync_says_on_the_license_page_who_came_and_went(stage: Stage, world: World, owner_client: Client) -> None:
    job = world.sync()

    page = read(owner_client, stage, "license")

    assert "People whom nobody knew there" in page
    assert f"https://cloud.example/enterprises/octo/people?q={stage.server.hostname}%3A1" in page
    assert f"https://cloud.example/enterprises/octo/licensing/syncs/{job.sync_id}" in page
