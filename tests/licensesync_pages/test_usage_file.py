"""Export license usage on its page: asked for, watched, downloaded, cancelled; and who may do what."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enterprises.models import RoleName
from enterprises.services import grant_role
from licensesync import exporting, jobs
from licensesync.models import SyncJob
from licensesync.pages.usage_file import usage_file_page
from licensesync.syncing.run import run
from tests.factories import make_user
from tests.licensesync_pages.scenes import Stage
from wire import signing

pytestmark = pytest.mark.django_db


def url(stage: Stage, name: str = "usage_file", **ids: int) -> str:
    return reverse(f"licensesync:{name}", kwargs={"slug": stage.slug, **ids})


def read(client: Client, stage: Stage) -> str:
    return client.get(url(stage)).content.decode()


def exported(stage: Stage) -> SyncJob:
    job = exporting.request_export(server=stage.server, by=None, at=timezone.now())
    run(job.pk)
    job.refresh_from_db()
    return job


@pytest.fixture
def manager(stage: Stage, client: Client) -> Client:
    user = make_user("manager")
    grant_role(user=user, enterprise=stage.server.enterprise, role=RoleName.BILLING_MANAGER, at=stage.at)
    client.force_login(user)
    return client


def test_owner_asks_watches_and_downloads(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    assert "No usage file was exported yet." in read(owner_client, stage)

    response = owner_client.post(url(stage, "usage_export"))

    job = SyncJob.objects.get()
    assert (response.status_code, response["Location"]) == (302, url(stage))
    assert "Waiting for a free worker" in read(owner_client, stage)
    run(job.pk)
    assert "Waits for its receipt" in read(owner_client, stage)
    file = owner_client.get(url(stage, "usage_download", pk=job.pk))
    assert json.loads(file.getvalue())["header"]["host_name"] in file["Content-Disposition"]


def test_page_shows_the_fingerprint_that_the_cloud_will_show(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    job = exported(stage)

    file = json.loads(owner_client.get(url(stage, "usage_download", pk=job.pk)).getvalue())

    assert signing.fingerprint(file["header"]["server_key"]) in read(owner_client, stage)


def test_without_seats_there_is_nothing_to_export(stage: Stage, owner_client: Client) -> None:
    assert "so there is nothing to export" in read(owner_client, stage)

    page = owner_client.post(url(stage, "usage_export"), follow=True).content.decode()

    assert "so there is nothing to export" in page
    assert not SyncJob.objects.exists()


def test_bar_has_a_length_once_a_part_is_there(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    job = exporting.request_export(server=stage.server, by=None, at=timezone.now())
    held = jobs.claim(job.pk, timezone.now())
    assert held is not None
    jobs.advance(held, timezone.now(), state=SyncJob.State.PREPARING, accounts=2, part_count=1)

    page = read(owner_client, stage)

    source = usage_file_page(stage.server, timezone.now(), is_owner=True).seats
    assert source is not None
    assert f'value="2" max="{source.license_consuming}"' in page
    assert f"2 of {source.license_consuming} accounts" in page
    assert 'hx-trigger="every 2s"' in page


def test_fragment_comes_only_when_something_changed(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    job = exporting.request_export(server=stage.server, by=None, at=timezone.now())
    seen = usage_file_page(stage.server, timezone.now(), is_owner=True).fingerprint

    def ask() -> int:
        return owner_client.get(url(stage), {"seen": seen}, headers={"HX-Request": "true"}).status_code

    assert ask() == 204
    run(job.pk)
    assert ask() == 200


def test_cancelled_file_is_said_on_the_same_page(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    job = exporting.request_export(server=stage.server, by=None, at=timezone.now())

    response = owner_client.post(url(stage, "sync_cancel"), {"job": job.pk}, follow=True)

    assert response.redirect_chain == [(url(stage), 302)]
    assert "The usage file was cancelled." in response.content.decode()


def test_file_that_is_kept_no_more_is_said(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    first, _second = exported(stage), exported(stage)

    response = owner_client.get(url(stage, "usage_download", pk=first.pk), follow=True)

    assert response.redirect_chain == [(url(stage), 302)]
    assert "not kept any more" in response.content.decode()
    assert "Without a receipt" in read(owner_client, stage)


def test_billing_manager_reads_and_takes_nothing(stage: Stage, manager: Client) -> None:
    stage.with_seats()
    job = exported(stage)

    page = read(manager, stage)

    assert "Only an enterprise owner can export" in page
    assert url(stage, "usage_download", pk=job.pk) not in page
    assert manager.get(url(stage, "usage_download", pk=job.pk)).status_code == 403
    assert manager.post(url(stage, "usage_export")).status_code == 403


def test_page_of_the_job_tells_of_a_file_not_of_parts(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    job = exported(stage)

    page = owner_client.get(url(stage, "sync", pk=job.pk)).content.decode()

    assert "The usage file is made and signed" in page
    assert "Parts sent" not in page
    assert "Receipt verified" in page


def test_history_lists_files_that_wait(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    exported(stage)

    page = owner_client.get(url(stage, "syncs"), {"result": "exported", "kind": "file"}).content.decode()

    assert "1 run" in page


def test_page_asks_the_database_no_more_with_many_files(
    stage: Stage, owner_client: Client, django_assert_max_num_queries: object
) -> None:
    stage.with_seats()
    for _number in range(4):
        exported(stage)

    with django_assert_max_num_queries(14):  # type: ignore[operator]
        read(owner_client, stage)
