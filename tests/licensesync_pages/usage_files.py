"""Every state of the page of the usage files, each built on a fresh server."""

from datetime import timedelta

from django.urls import reverse

from licensesync import exporting, jobs
from licensesync.models import SeatSource, SyncJob
from licensesync.syncing.run import run
from tests.licensesync.world import Clock
from tests.licensesync_pages.scenes import Place, Stage, nothing_at_all, synced


def file_waits_for_a_worker(stage: Stage) -> None:
    stage.with_seats()
    exporting.request_export(server=stage.server, by=stage.owner, at=stage.at)


def file_being_made(stage: Stage) -> None:
    stage.with_seats(3)
    job = exporting.request_export(server=stage.server, by=stage.owner, at=stage.at)
    held = jobs.claim(job.pk, stage.at)
    assert held is not None
    jobs.advance(held, stage.at, state=SyncJob.State.PREPARING, accounts=2, part_count=1)


def file_exported(stage: Stage) -> None:
    stage.with_seats()
    for days in (9, 0):
        at = stage.at - timedelta(days=days)
        job = exporting.request_export(server=stage.server, by=stage.owner, at=at)
        run(job.pk, clock=Clock(at))


def file_of_old_seats_failed(stage: Stage) -> None:
    stage.with_seats()
    SeatSource.objects.filter(server=stage.server).update(taken_at=stage.at - timedelta(days=30))
    job = exporting.request_export(server=stage.server, by=stage.owner, at=stage.at)
    SyncJob.objects.filter(pk=job.pk).update(
        state=SyncJob.State.FAILED, finished_at=stage.at, error_code="disk_full", started_at=stage.at
    )


def _page(stage: Stage) -> str:
    return reverse("licensesync:usage_file", args=[stage.slug])


def _job(stage: Stage) -> str:
    job = SyncJob.objects.filter(connection=stage.connection).latest("pk")
    return reverse("licensesync:sync", args=[stage.slug, job.pk])


PLACES = [
    *(
        Place(scene, _page, "usage-file")
        for scene in (
            nothing_at_all,
            synced,
            file_waits_for_a_worker,
            file_being_made,
            file_exported,
            file_of_old_seats_failed,
        )
    ),
    Place(file_exported, _job, "sync"),
]
