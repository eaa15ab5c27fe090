"""The demo world: always the same, and just what the README shows."""

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Count

from cloud.consumption import totals
from cloud.models import Installation, Saving, Suspect
from config.demo.building import CLOUD, LAB, Sizes, build_demo
from config.demo.world import invent_world
from config.management.commands.seed_demo import without_the_intended_warning
from enterprises.models import Enterprise
from licensesync.models import SyncJob

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_same_seed_gives_the_same_world() -> None:
    sizes = {"servers": 2, "seats": 60, "members": 30, "weeks": 4}

    assert invent_world(**sizes, seed=1) == invent_world(**sizes, seed=1)
    assert invent_world(**sizes, seed=1) != invent_world(**sizes, seed=2)


@pytest.mark.parametrize(("servers", "seats", "members"), [(1, 1, 1), (1, 40, 3), (5, 200, 10), (2, 30, 500)])
def test_every_size_has_that_many_license_consuming_seats(servers: int, seats: int, members: int) -> None:
    world = invent_world(servers=servers, seats=seats, members=members, weeks=4, seed=3)

    consuming = [
        row
        for server in range(servers)
        for row in world.seats(server, 4)
        if row["type"] == "User" and not row["suspended"] and row["login"] not in {"ghost", "scim-admin"}
    ]

    assert len(consuming) == seats


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_the_demo_is_what_the_readme_shows() -> None:
    build_demo(sizes=Sizes(), at=NOW, on_week=lambda: None)

    octo = totals(Enterprise.objects.get(slug=CLOUD).ledger)
    servers = {row.hostname: row for row in Installation.objects.all()}
    assert (octo.counted_apart, octo.consumed, octo.saved, octo.available) == (1240, 968, 272, 32)
    assert servers["ghes1.octo.example"].last_sync_at == servers["ghes1.octo.example"].last_attempt_at
    assert [row.pk for row in Installation.objects.filter(last_sync_at__lt=NOW - timedelta(days=8))] == [
        servers["ghes2.octo.example"].pk
    ]
    assert servers["ghes3.octo.example"].last_status == Installation.SyncStatus.FAILURE
    assert Enterprise.objects.get(slug=LAB).server.connection.state == "not_connected"
    assert SyncJob.objects.filter(kind="usage", state="succeeded").exclude(receipt="").count() == 27
    first = SyncJob.objects.filter(connection__server__hostname="ghes1.octo.example").exclude(kind="record")
    told = Counter((job.kind, job.trigger, job.state, job.error_code) for job in first)
    assert told == {
        ("usage", "schedule", "succeeded", ""): 9,
        ("usage", "schedule", "failed", "payload_too_large"): 1,
        ("usage", "person", "succeeded", ""): 1,
        ("usage", "person", "cancelled", "cancelled_by_person"): 1,
        ("preview", "command", "succeeded", ""): 1,
        ("preview", "person", "succeeded", ""): 1,
    }
    worklist = dict(Suspect.objects.values_list("state").annotate(Count("pk")))
    assert worklist == {"open": 20, "waiting": 1, "confirmed": 9, "dismissed": 1}
    assert Suspect.objects.filter(state="open", returned_revision__isnull=False).count() == 1
    assert list(Saving.objects.values_list("hostname", "entries", "licenses")) == [("ghes1.octo.example", 9, 9)]
    assert first.get(attempts=2).events.filter(event="will_retry", data__code="busy").exists()


def test_the_failure_that_the_story_wants_is_no_warning_of_the_first_start(caplog: pytest.LogCaptureFixture) -> None:
    outcomes = logging.getLogger("licensesync.syncing.outcomes")

    with without_the_intended_warning():
        outcomes.warning("of the story")
    outcomes.warning("of a person")

    assert caplog.messages == ["of a person"]
