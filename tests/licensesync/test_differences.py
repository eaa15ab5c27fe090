"""What a server keeps of the difference that the cloud says: numbers for good, addresses with the newest job only."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from connect.models import Connection
from licensesync.beat import tick
from licensesync.management.commands import license_sync
from licensesync.models import SyncJob
from licensesync.pages.difference import difference_of
from tests.factories import NOW
from tests.licensesync.world import World, make_world, ndjson, seat
from wire.messages import AccountSample

pytestmark = pytest.mark.django_db

PREVIEW = SyncJob.Kind.PREVIEW


def people(*samples: tuple[int, str, str], **numbers: int) -> dict[str, Any]:
    """What a cloud says: numbers, and samples as (user id, primary address, change)."""
    names = ("people_added", "people_removed", "people_matched", "people_unmatched")
    return {
        **dict.fromkeys((*names, "licenses_added", "licenses_removed"), 0),
        **numbers,
        "samples": tuple(
            AccountSample(user_id=user_id, primary=primary, change=change, match="address")
            for user_id, primary, change in samples
        ),
    }


@pytest.fixture
def world() -> World:
    made = make_world()
    made.cloud.people = people((1, "user1@octo.example", "added"), people_added=3, licenses_added=3)
    return made


def test_preview_keeps_numbers_and_samples_and_changes_nothing(world: World) -> None:
    job = world.run(world.request(kind=PREVIEW))

    assert job.result is not None
    assert (job.result["people_added"], job.result["licenses_added"], job.result["added"]) == (3, 3, 3)
    assert job.samples == [{"user_id": 1, "change": "added", "match": "address"}]
    assert job.sample_addresses == ["user1@octo.example"]
    assert (world.cloud.held, world.connection.base_revision) == (None, None)


def test_sync_keeps_the_difference_beside_its_receipt(world: World) -> None:
    job = world.sync()

    assert job.result is not None
    assert (job.result["people_added"], job.result["sha256"]) == (3, job.sha256)
    assert job.sample_addresses == ["user1@octo.example"]


def test_difference_that_is_not_the_receipts_is_not_kept(world: World) -> None:
    sign = world.cloud.sign
    world.cloud.sign = lambda receipt: sign(type(receipt)(**{**_fields(receipt), "added": receipt.added + 1}))

    job = world.sync()

    assert job.state == SyncJob.State.SUCCEEDED
    assert job.result is not None
    assert "people_added" not in job.result
    assert (job.samples, job.sample_addresses) == ([], None)


def _fields(receipt: Any) -> dict[str, Any]:
    return {name: getattr(receipt, name) for name in receipt.__struct_fields__}


def test_cloud_that_does_not_say_is_understood(world: World) -> None:
    world.cloud.people = {}

    job = world.run(world.request(kind=PREVIEW))

    found = difference_of(job, world.server, is_owner=True)
    assert found is not None
    assert (found.knows_people, found.kinds) == (False, [])


@pytest.mark.parametrize("wrong", [{"people_added": -1}, {"licenses_added": 2**40}, {"people_matched": None}])
def test_numbers_that_make_no_sense_are_not_kept(world: World, wrong: dict[str, Any]) -> None:
    world.cloud.people |= wrong

    job = world.run(world.request(kind=PREVIEW))

    assert job.state == SyncJob.State.SUCCEEDED
    assert job.result is not None
    assert "people_added" not in job.result
    assert job.samples == []


@pytest.mark.parametrize("wrong", [{"licenses_after": 10**4000}, {"added": -1}])
def test_preview_whose_numbers_make_no_sense_says_nothing(world: World, wrong: dict[str, Any]) -> None:
    world.cloud.wrong |= wrong

    job = world.run(world.request(kind=PREVIEW))

    assert (job.state, job.result) == (SyncJob.State.SUCCEEDED, None)


def test_samples_that_make_no_sense_are_left_out(world: World) -> None:
    world.cloud.people = people(
        (0, "zero@octo.example", "added"),
        (2**53, "large@octo.example", "added"),
        (4, "x" * 400, "added"),
        (5, "line\nbreak", "added"),
        (6, "newer@octo.example", "renamed"),
        *((number, "", "removed") for number in range(100, 140)),
    )

    job = world.run(world.request(kind=PREVIEW))

    assert [one["user_id"] for one in job.samples or []] == list(range(100, 120))


def test_addresses_stay_with_the_newest_sync_and_preview(world: World) -> None:
    first, asked = world.sync(), world.run(world.request(kind=PREVIEW))

    again = world.run(world.request(kind=PREVIEW))

    kept = SyncJob.objects.filter(sample_addresses__isnull=False)
    assert set(kept) == {first, again}
    last = world.sync()
    assert list(kept.all()) == [last]
    asked.refresh_from_db()
    assert asked.samples


def test_addresses_go_30_days_after_disable(world: World) -> None:
    world.sync()
    ended = NOW + timedelta(days=1)
    Connection.objects.update(state=Connection.State.DISCONNECTED, disconnected_at=ended, license_sync_enabled_at=None)

    with time_machine.travel(ended + timedelta(days=30), tick=False):
        tick.apply(throw=True)

    assert not SyncJob.objects.exclude(sample_addresses=None).exists()


def test_sample_has_the_login_of_its_seat_and_a_link_where_the_cloud_finds_it(world: World) -> None:
    world.cloud.people = people(
        (1, "user1@octo.example", "added"), (9, "gone@octo.example", "removed"), people_added=1, people_removed=1
    )
    previewed, applied = world.run(world.request(kind=PREVIEW)), world.sync()

    def shown(job: SyncJob, *, is_owner: bool = True) -> list[tuple[str, str, bool]]:
        found = difference_of(job, world.server, is_owner=is_owner)
        assert found is not None
        return [(one.login, one.address, bool(one.url)) for kind in found.kinds for one in kind.samples]

    assert shown(applied) == [("login1", "user1@octo.example", True), ("", "gone@octo.example", False)]
    previewed.refresh_from_db()
    assert shown(previewed) == [("login1", "", False), ("", "", True)]
    assert shown(applied, is_owner=False) == [("login1", "user1@octo.example", False), ("", "gone@octo.example", False)]


@pytest.mark.parametrize("action", ["preview", "now"])
def test_command_prints_the_difference_with_samples(
    world: World, action: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seat(world.server, ndjson([1]), allow_shrink=True)
    world.cloud.people = people((1, "user1@octo.example", "added"), people_added=22, licenses_added=22)
    monkeypatch.setattr(license_sync, "POLL_SECONDS", 0)
    monkeypatch.setattr("time.sleep", lambda _seconds: world.run(SyncJob.objects.latest("pk")))

    call_command("license_sync", world.server.enterprise.slug, action, "--wait", "--json")
    values = json.loads(capsys.readouterr().out)
    call_command("license_sync", world.server.enterprise.slug, action, "--wait")
    text = capsys.readouterr().out

    assert values["result"]["people_added"] == 22
    [sample] = values["samples"]
    assert (sample["change"], sample["user_id"], sample["login"]) == ("added", 1, "login1")
    assert (sample["primary"], sample["match"]) == ("user1@octo.example", "address")
    assert "People who are new on the cloud: 22 (ghes1.octo.example:1 login1, and 21 more)" in text
