"""What an owner finds where seats are fetched from a source: at rest, under way, failed, and in a sync."""

from django.urls import reverse

from licensesync.models import SeatSource, SourceConfig, SyncJob
from licensesync.sources.choosing import Choice, choose
from tests.licensesync_pages.scenes import Place, Scene, Stage, job_in

TOKEN = "a-token-of-the-page-1"


def fetched(stage: Stage) -> SourceConfig:
    """The owner has chosen GHES; nobody has asked it yet."""
    choice = Choice(
        kind=SeatSource.Kind.GHES, base_url="https://ghes.octo.example", user_name="site-admin", token=TOKEN
    )
    return choose(server=stage.server, choice=choice, by=stage.owner, at=stage.at)


def refresh_asked(stage: Stage) -> None:
    fetched(stage.with_seats())
    SourceConfig.objects.update(requested_at=stage.at)


def refresh_shrinks(stage: Stage) -> None:
    fetched(stage.with_seats())
    error = "The list would remove 282 of 320 accounts; confirm that this is meant."
    SourceConfig.objects.update(
        error_code="source_shrink", error=error, attempted_at=stage.at, took_seconds=2.1, license_error="source_auth"
    )


def first_refresh_failed(stage: Stage) -> None:
    """Nobody has imported anything either."""
    fetched(stage)
    SourceConfig.objects.update(error_code="source_tls", attempted_at=stage.at, took_seconds=0.2)


def sync_refreshes(stage: Stage) -> None:
    fetched(stage.with_seats())
    world = stage.connected(days_ago=0)
    job_in(world, stage.owner, state=SyncJob.State.PREPARING, refresh_began_at=stage.at)


def sync_goes_on_without(stage: Stage) -> None:
    fetched(stage.with_seats())
    world = stage.connected(days_ago=0)
    left = {"refresh_began_at": stage.at, "refreshed_at": stage.at, "source_error": "source_auth"}
    job_in(world, stage.owner, state=SyncJob.State.PREPARING, **left)
    SourceConfig.objects.update(error_code="source_auth", attempted_at=stage.at)


def _place(name: str, scene: Scene) -> Place:
    return Place(scene, lambda stage: reverse(f"licensesync:{name}", args=[stage.slug]), name)


PLACES = [
    _place("seats", refresh_asked),
    _place("seats", refresh_shrinks),
    _place("seats", first_refresh_failed),
    _place("seat_source", refresh_asked),
    _place("license", sync_refreshes),
    _place("license", sync_goes_on_without),
]
