"""What an owner may find on the two pages beside the everyday states: each made by a sync that really went so."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

from django.urls import reverse

from licensesync import services
from licensesync.models import Schedule, SyncJob
from tests.licensesync.fake_cloud import lose_connection, refusal
from tests.licensesync.world import ndjson, seat
from tests.licensesync_pages.scenes import ACCOUNTS, Place, Scene, Stage
from wire.messages import ErrorCode


def old_seats(stage: Stage) -> None:
    """The sync arrived an hour ago, with a list that is twenty days old."""
    stage.with_seats()
    seat(stage.server, ndjson(range(1, ACCOUNTS + 2)), at=stage.at - timedelta(days=20))
    world = stage.connected()
    world.clock.move(hours=23)
    world.sync()
    _planned(stage)


def synced_license_expired(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    services.set_license(
        server=stage.server,
        customer="Octo Industries",
        seats=50,
        expires_on=(stage.at - timedelta(days=3)).date(),
        by=stage.owner,
        at=stage.at,
    )
    world.sync()
    _planned(stage)


def gave_up(stage: Stage) -> None:
    """Nothing answered for a day."""
    world = stage.with_seats().connected(days_ago=1.2)
    _planned(stage)
    for number in range(1, 20):
        world.cloud.fail("open", lose_connection, number=number)
    job = world.request(by=stage.owner)
    while job.is_active:
        world.clock.now = job.not_before or world.clock.now
        world.run(job)


def clock_skew(stage: Stage) -> None:
    theirs = format_datetime(stage.at + timedelta(days=3), usegmt=True)
    world = stage.with_seats().connected(days_ago=0)
    world.cloud.fail("token", lambda: refusal(401, ErrorCode.CLOCK_SKEW, Date=theirs))
    world.run(world.request(by=stage.owner))


def rate_limited(stage: Stage) -> None:
    world = stage.with_seats().connected(days_ago=0)
    world.cloud.fail("open", lambda: refusal(429, ErrorCode.RATE_LIMITED, **{"Retry-After": "1800"}))
    world.run(world.request(by=stage.owner))


def _planned(stage: Stage) -> None:
    slot = Schedule.objects.filter(connection=stage.connection, slot=Schedule.Slot.SYNC)
    slot.update(next_run_at=stage.at + timedelta(days=6))
    SyncJob.objects.exclude(kind=SyncJob.Kind.USAGE).delete()


def _path(name: str) -> Callable[[Stage], str]:
    return lambda stage: reverse(f"licensesync:{name}", args=[stage.slug])


SCENES: list[Scene] = [old_seats, synced_license_expired, gave_up, clock_skew, rate_limited]
PLACES = [Place(scene, _path(name), name) for scene in SCENES for name in ("connection", "license")]
