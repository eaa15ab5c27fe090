"""Every state of the page of the usage files, each built on a fresh server."""

import io
from datetime import timedelta

import msgspec
from django.urls import reverse

from enterprises.models import StagedUpload
from enterprises.uploads import keep_review, stage_upload
from licensesync import exporting, jobs
from licensesync.importing_receipts import import_receipt
from licensesync.models import SeatSource, SyncJob
from licensesync.syncing.run import run
from tests.licensesync.carried import FarCloud
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


def file_accepted(stage: Stage) -> None:
    file_exported(stage)
    job = SyncJob.objects.filter(connection=stage.connection).latest("pk")
    cloud = FarCloud()
    content = cloud.answer(job, applied_at=stage.at)
    import_receipt(server=stage.server, content=content, by=stage.owner, at=stage.at, fingerprint=cloud.fingerprint)


def receipt_to_confirm(stage: Stage) -> None:
    file_exported(stage)
    receipt = FarCloud().receipt(SyncJob.objects.filter(connection=stage.connection).latest("pk"))
    upload = stage_upload(
        enterprise=stage.server.enterprise,
        purpose="receipt",
        stream=io.BytesIO(b"{}"),
        name="receipt.json",
        by=stage.owner,
        at=stage.at,
    )
    asked = {"fingerprint": "0a1b " * 16, "name": "Octo Inc.", "is_change": True, "adopt": True}
    keep_review(upload, asked | {"receipt": msgspec.to_builtins(receipt)})


def file_of_old_seats_failed(stage: Stage) -> None:
    stage.with_seats()
    SeatSource.objects.filter(server=stage.server).update(taken_at=stage.at - timedelta(days=30))
    job = exporting.request_export(server=stage.server, by=stage.owner, at=stage.at)
    SyncJob.objects.filter(pk=job.pk).update(
        state=SyncJob.State.FAILED, finished_at=stage.at, error_code="disk_full", started_at=stage.at
    )


def _page(stage: Stage) -> str:
    return reverse("licensesync:usage_file", args=[stage.slug])


def _confirm(stage: Stage) -> str:
    upload = StagedUpload.objects.filter(enterprise=stage.server.enterprise).latest("pk")
    return reverse("licensesync:receipt_confirm", args=[stage.slug, upload.pk])


def _license(stage: Stage) -> str:
    return reverse("licensesync:license", args=[stage.slug])


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
            file_accepted,
            file_of_old_seats_failed,
        )
    ),
    Place(file_exported, _job, "sync"),
    Place(file_accepted, _job, "sync"),
    Place(file_accepted, _license, "license"),
    Place(receipt_to_confirm, _confirm, "receipt-confirm"),
]
