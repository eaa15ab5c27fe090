"""The cloud's receipt comes back on the page of the usage files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from connect.models import Connection, FileAccount
from enterprises.models import StagedUpload
from licensesync.models import SyncJob
from tests.licensesync.carried import FarCloud, exported

if TYPE_CHECKING:
    from django.test import Client

    from tests.licensesync_pages.scenes import Stage

pytestmark = pytest.mark.django_db


def bring(client: Client, stage: Stage, content: bytes) -> Any:
    file = io.BytesIO(content)
    file.name = "receipt.json"
    return client.post(reverse("licensesync:receipt_import", args=[stage.slug]), {"receipt": file})


def exported_on(stage: Stage) -> SyncJob:
    stage.with_seats()
    return exported(stage.server, timezone.now())


def test_owner_compares_the_fingerprint_once(stage: Stage, owner_client: Client) -> None:
    job, cloud = exported_on(stage), FarCloud()

    asked = bring(owner_client, stage, cloud.answer(job))
    page = owner_client.get(asked["Location"]).content.decode()
    too_soon = owner_client.post(asked["Location"])
    done = owner_client.post(asked["Location"], {"is_same": "on"}, follow=True)

    assert cloud.fingerprint in page
    assert "Octo Inc." in page
    assert (too_soon.status_code, "Compare the two fingerprints first." in too_soon.content.decode()) == (422, True)
    assert "octo accepted the usage file as revision 1." in done.content.decode()
    assert "by octo, revision 1" in done.content.decode()
    assert FileAccount.objects.get().pinned_by == stage.owner
    assert not StagedUpload.objects.exists()


def test_later_receipt_is_taken_at_once(stage: Stage, owner_client: Client) -> None:
    cloud = FarCloud()
    first = bring(owner_client, stage, cloud.answer(exported_on(stage)))
    owner_client.post(first["Location"], {"is_same": "on"})
    content = cloud.answer(exported(stage.server, timezone.now()), 2)

    response = bring(owner_client, stage, content)
    again = bring(owner_client, stage, content)

    assert response["Location"] == again["Location"] == reverse("licensesync:usage_file", args=[stage.slug])
    page = owner_client.get(again["Location"]).content.decode()
    assert "This receipt was imported before: revision 2 of octo." in page


def test_server_that_reports_to_another_account_is_asked_first(stage: Stage, owner_client: Client) -> None:
    cloud = FarCloud()
    first = bring(owner_client, stage, cloud.answer(exported_on(stage)))
    owner_client.post(first["Location"], {"is_same": "on"})
    cloud.account = "elsewhere"

    asked = bring(owner_client, stage, cloud.answer(exported(stage.server, timezone.now()), 2))
    page = owner_client.get(asked["Location"]).content.decode()
    too_soon = owner_client.post(asked["Location"])
    owner_client.post(asked["Location"], {"changes": "on"})

    assert "So far this server reported to octo." in page
    assert too_soon.status_code == 422
    assert FileAccount.objects.get().account_slug == "elsewhere"


def test_restored_server_is_asked_both_questions(stage: Stage, owner_client: Client) -> None:
    cloud = FarCloud()
    content = cloud.answer(exported_on(stage), 4, sync_id=str(uuid4()))

    first = bring(owner_client, stage, content)
    second = owner_client.post(first["Location"], {"adopt": "on"})
    done = owner_client.post(second["Location"], {"adopt": "on", "is_same": "on"}, follow=True)

    assert first["Location"] == second["Location"]
    assert "This server goes on from revision 4 of octo. Export the license usage again." in done.content.decode()
    assert Connection.objects.get(pk=stage.connection.pk).base_revision == 4


def test_refusal_stands_beside_the_field(stage: Stage, owner_client: Client) -> None:
    exported_on(stage)

    response = bring(owner_client, stage, b'{"header": {}}')

    assert response.status_code == 422
    assert "perhaps it is the usage file itself" in response.content.decode()


def test_receipt_can_be_thrown_away(stage: Stage, owner_client: Client) -> None:
    asked = bring(owner_client, stage, FarCloud().answer(exported_on(stage)))
    upload = StagedUpload.objects.get()

    owner_client.post(reverse("licensesync:receipt_discard", args=[stage.slug, upload.pk]))

    assert owner_client.get(asked["Location"]).status_code == 404


def test_page_of_the_job_tells_of_its_receipt(stage: Stage, owner_client: Client) -> None:
    job = exported_on(stage)
    asked = bring(owner_client, stage, FarCloud().answer(job))
    owner_client.post(asked["Location"], {"is_same": "on"})

    page = owner_client.get(reverse("licensesync:sync", args=[stage.slug, job.pk])).content.decode()
    receipt = owner_client.get(reverse("licensesync:receipt", args=[stage.slug, job.pk])).content.decode()

    assert "Receipt signed by octo, revision 1" in page
    assert "Holds" in receipt
    assert "Wrong" not in receipt
