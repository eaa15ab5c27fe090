"""The history of syncs, the page of one job, its receipt, and the lines as a file."""

import hashlib
import json
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

import licensesync
from enterprises.models import AuditEvent, User
from licensesync.failures import explain
from licensesync.models import Schedule, SyncJob, SyncJobEvent
from licensesync.pages.events import log_lines
from tests.factories import NOW, make_server_enterprise
from tests.licensesync.fake_cloud import refusal
from tests.licensesync.world import ndjson, seat
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage
from wire import signing
from wire.messages import ErrorCode

HTMX = {"HX-Request": "true"}


def url(stage: Stage, name: str, *args: int) -> str:
    return reverse(f"licensesync:{name}", args=[stage.slug, *args])


def text_of(client: Client, address: str) -> str:
    return " ".join(unescape(client.get(address).content.decode()).split())


def last_job() -> SyncJob:
    return SyncJob.objects.latest("pk")


def many_jobs(stage: Stage, number: int) -> None:
    stage.with_seats().connected()
    SyncJob.objects.bulk_create(
        SyncJob(
            connection=stage.connection,
            slot=Schedule.Slot.SYNC,
            kind=SyncJob.Kind.USAGE,
            trigger=SyncJob.Trigger.SCHEDULE if each % 4 else SyncJob.Trigger.PERSON,
            requested_by=None if each % 4 else stage.owner,
            state=SyncJob.State.CANCELLED if each % 2 else SyncJob.State.FAILED,
            error_code="dns",
            created_at=stage.at + timedelta(minutes=each),
            finished_at=stage.at + timedelta(minutes=each),
        )
        for each in range(number)
    )


def test_failure_that_a_later_sync_made_good_asks_for_nothing(stage: Stage, owner_client: Client) -> None:
    scenes.synced(stage)
    failed, later = SyncJob.objects.order_by("pk")
    for job in (failed, later):
        SyncJob.objects.filter(pk=job.pk).update(state=SyncJob.State.FAILED, error_code="payload_too_large")
    failure = explain("payload_too_large")
    assert str(failure.next_step) in text_of(owner_client, url(stage, "sync", failed.pk))

    SyncJob.objects.filter(pk=later.pk).update(state=SyncJob.State.SUCCEEDED, error_code="")
    page = text_of(owner_client, url(stage, "sync", failed.pk))

    assert "A later one arrived: nothing is left to do about this one." in page
    assert str(failure.sentence) in page
    assert str(failure.next_step) not in page


class TestHistory:
    def test_thousands_of_jobs_are_paged_in_few_queries_newest_first(
        self, stage: Stage, owner_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        many_jobs(stage, 2_000)

        with django_assert_max_num_queries(6):
            page = text_of(owner_client, url(stage, "syncs") + "?page=2")

        newest = last_job().pk
        assert "2,000 runs" in page
        assert "Page 2 of 40" in page
        shown = [int(part.split('"')[0]) for part in page.split(f'href="{url(stage, "syncs")}/')[1:]]
        assert shown == list(range(newest - 50, newest - 100, -1))

    def test_filters_combine_and_what_does_not_fit_is_ignored(self, stage: Stage, owner_client: Client) -> None:
        many_jobs(stage, 16)

        def found(query: str) -> str:
            return text_of(owner_client, url(stage, "syncs") + query)

        assert "8 runs" in found("?result=cancelled")
        assert "4 runs" in found("?result=failed&trigger=person&kind=usage")
        assert "16 runs" in found("?result=nonsense")
        assert "No run is like that." in found("?result=active")

    def test_jobs_of_another_server_are_neither_listed_nor_found(self, stage: Stage, owner_client: Client) -> None:
        other = make_server_enterprise("bare")
        scenes.synced(stage)

        job = last_job()
        for name in ("sync", "receipt", "receipt_download"):
            assert owner_client.get(reverse(f"licensesync:{name}", args=[other.slug, job.pk])).status_code == 404
        assert owner_client.get(url(stage, "sync", job.pk + 1)).status_code == 404


class TestJob:
    def test_tells_everything_about_a_success(self, stage: Stage, owner_client: Client) -> None:
        scenes.synced(stage)
        job = last_job()

        page = text_of(owner_client, url(stage, "sync", job.pk))

        for words in (
            "by olivia", "14 accounts", "2 added, 0 changed, 0 removed", job.sha256, str(job.sync_id), "revision 1",
            "Attempt 1 began", "List of accounts frozen: 14 accounts in 1 part", "Part 1 of 1 sent",
            "Receipt of revision 2 verified with key k", "Over: it arrived", "View, verify and download",
        ):  # fmt: skip
            assert words in page
        assert "hx-trigger" not in page

    def test_tells_each_attempt_with_its_reason_and_the_next_one(self, stage: Stage, owner_client: Client) -> None:
        world = stage.with_seats().connected(days_ago=0)
        world.cloud.fail("part", lambda: refusal(503, ErrorCode.BUSY))
        job = world.run(world.request(by=stage.owner))
        waiting = text_of(owner_client, url(stage, "sync", job.pk))
        owner_client.post(url(stage, "sync_now"), {"back": "on"})
        world.clock.now = stage.at + timedelta(hours=1)
        world.run(job)

        page = text_of(owner_client, url(stage, "sync", job.pk))

        assert "The cloud is busy." in waiting
        assert "Next attempt" in waiting
        assert waiting.count('data-label="How it ended"') == 1
        assert "Try again now" in waiting
        assert page.count('data-label="How it ended"') == 2
        assert '"How it ended">Arrived<' in page
        assert "Try again now: the waiting was ended" in page

    def test_log_grows_by_itself_and_is_silent_while_nothing_happens(self, stage: Stage, owner_client: Client) -> None:
        scenes.uploading(stage)
        job = last_job()
        polled = owner_client.get(url(stage, "sync", job.pk)).content.decode().split('hx-get="')[1].split('"')[0]

        silent = owner_client.get(polled, headers=HTMX)
        SyncJobEvent.objects.create(job=job, at=stage.at, event="part_sent", data={"number": 3, "parts": 5})
        grown = owner_client.get(polled, headers=HTMX).content.decode()

        assert silent.status_code == 204
        assert "Part 3 of 5 sent" in grown
        assert "<html" not in grown

    def test_event_that_nobody_knows_is_shown_as_it_is(self, stage: Stage, owner_client: Client) -> None:
        scenes.queued(stage)
        job = last_job()
        SyncJobEvent.objects.create(job=job, at=stage.at, event="flux_aligned", data={"gigawatts": 1})

        page = text_of(owner_client, url(stage, "sync", job.pk))

        assert "flux_aligned" in page
        assert "gigawatts: 1" in page

    def test_record_and_preview_have_pages_of_their_own(self, stage: Stage, owner_client: Client) -> None:
        world = stage.with_seats().connected(days_ago=0)
        preview = world.run(world.request(kind=SyncJob.Kind.PREVIEW))
        record = world.run(world.request(kind=SyncJob.Kind.RECORD))

        pages = [text_of(owner_client, url(stage, "sync", job.pk)) for job in (preview, record)]

        assert "Would be 12 added, 0 changed, 0 removed; licenses 0 → 12." in pages[0]
        assert "Connection record" in pages[1]
        assert "Digest" not in pages[1]
        assert all("Over: it arrived" in page for page in pages)

    def test_cancel_leads_back_to_the_job_and_says_why_it_is_too_late(self, stage: Stage, owner_client: Client) -> None:
        scenes.applying(stage)
        job = last_job()

        too_late = text_of(owner_client, url(stage, "sync", job.pk))
        SyncJob.objects.update(commit_sent_at=None)
        in_time = text_of(owner_client, url(stage, "sync", job.pk))
        answer = owner_client.post(url(stage, "sync_cancel"), {"job": job.pk, "back": "on"})

        assert "It can no longer be cancelled" in too_late
        assert url(stage, "sync_cancel") not in too_late
        assert url(stage, "sync_cancel") in in_time
        assert answer.headers["Location"] == url(stage, "sync", job.pk)

    def test_billing_manager_looks_and_has_no_buttons(
        self, stage: Stage, client: Client, billing_manager: User
    ) -> None:
        scenes.waiting_to_retry(stage)
        client.force_login(billing_manager)

        page = text_of(client, url(stage, "sync", last_job().pk))

        assert "Only an enterprise owner can cancel it." in page
        assert url(stage, "sync_cancel") not in page


def test_every_event_that_is_noted_has_words() -> None:
    sources = "".join(file.read_text() for file in Path(licensesync.__path__[0]).rglob("*.py"))
    noted = re.findall(r'note\((?:[\w.]+, )?"(\w+)"(?: if \w+ else "(\w+)")?', sources)
    events = {name for names in noted for name in names if name} | set(SyncJob.OVER)

    assert {"attempt", "refreshed", "withdrawn", "failed"} < events
    for event in events:
        [line] = log_lines([SyncJobEvent(event=event, data={}, at=NOW)])
        assert line.text != event, f"{event} has no words in licensesync.pages.events"


class TestReceipt:
    def test_is_verified_again_with_key_and_lines(self, stage: Stage, owner_client: Client) -> None:
        scenes.synced(stage)
        job = last_job()

        page = text_of(owner_client, url(stage, "receipt", job.pk))

        assert "Genuine" in page
        assert "The lines that are kept here have the digest that it signs." in page
        assert signing.fingerprint(job.receipt_key["x"]) in page
        assert "pinned: this server trusts it today" in page

    def test_older_one_verifies_without_its_lines_and_after_the_connection_ended(
        self, stage: Stage, owner_client: Client
    ) -> None:
        scenes.synced(stage)
        older = SyncJob.objects.earliest("pk")
        stage.connection.receipt_keys = []
        stage.connection.save()

        page = text_of(owner_client, url(stage, "receipt", older.pk))

        assert "Genuine" in page
        assert "The lines are not kept any more" in page
        assert "the connection of that time was ended since" in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"receipt_key": {}, "receipt": "eyJ.eyJ.AAAA"}, "No key that this server trusts"),
            ({"sha256": "ab" * 32}, "or another digest."),
            ({"result": {"accounts": 99}}, "are not the ones that it signs"),
        ],
    )
    def test_what_does_not_hold_is_said(
        self, stage: Stage, owner_client: Client, changes: dict[str, object], words: str
    ) -> None:
        scenes.synced(stage)
        job = last_job()
        SyncJob.objects.filter(pk=job.pk).update(**changes)

        page = text_of(owner_client, url(stage, "receipt", job.pk))

        assert "Not genuine" in page
        assert words in page

    def test_changed_lines_are_noticed(self, stage: Stage, owner_client: Client) -> None:
        scenes.synced(stage)
        job = last_job()
        earlier = SyncJob.objects.earliest("pk")
        part = job.parts.get()
        part.body = bytes(part.body)
        part.job = earlier
        part.save()
        SyncJob.objects.filter(pk=earlier.pk).update(part_count=1)

        assert "have another digest" in text_of(owner_client, url(stage, "receipt", earlier.pk))

    def test_downloads_hold_the_token_and_what_it_says(self, stage: Stage, owner_client: Client) -> None:
        scenes.synced(stage)
        job = last_job()

        jws = owner_client.get(url(stage, "receipt_download", job.pk))
        readable = json.loads(owner_client.get(url(stage, "receipt_download", job.pk) + "?format=json").content)

        assert jws.content.decode() == job.receipt
        assert jws.headers["Content-Disposition"] == f'attachment; filename="receipt-{job.pk}.jws"'
        assert readable["receipt"] == job.result
        assert readable["jws"] == job.receipt
        assert readable["holds"]
        assert readable["signed_by"]["kid"] == "k"

    def test_job_without_one_has_no_page(self, stage: Stage, owner_client: Client) -> None:
        scenes.failed(stage)

        assert owner_client.get(url(stage, "receipt", last_job().pk)).status_code == 404


class TestLines:
    def test_file_of_what_was_sent_is_the_bytes_of_the_digest(self, stage: Stage, owner_client: Client) -> None:
        scenes.synced(stage)
        job = last_job()
        seat(stage.server, ndjson(range(1, 40)))

        answer = owner_client.get(url(stage, "sent_download") + "?which=last")

        body = answer.getvalue()
        assert hashlib.sha256(body).hexdigest() == job.sha256
        assert int(answer.headers["Content-Length"]) == len(body) == job.size
        audited = AuditEvent.objects.get(action="report.download")
        assert audited.actor == stage.owner
        assert audited.after == {
            "report": "sent_lines",
            "sync_id": str(job.sync_id),
            "sha256": job.sha256,
            "accounts": 14,
        }

    def test_file_of_what_will_be_sent_is_the_bytes_of_the_digest(self, stage: Stage, owner_client: Client) -> None:
        scenes.many_seats(stage)

        body = owner_client.get(url(stage, "sent_download")).getvalue()

        assert body.count(b"\n") == 120
        assert hashlib.sha256(body).hexdigest() in text_of(owner_client, url(stage, "sent"))
        assert AuditEvent.objects.get(action="report.download").after == {"report": "outgoing_lines"}

    def test_nothing_was_sent_so_there_is_no_file(self, stage: Stage, owner_client: Client) -> None:
        scenes.no_connection(stage)

        assert owner_client.get(url(stage, "sent_download") + "?which=last").status_code == 404
        assert not AuditEvent.objects.filter(action="report.download").exists()

    @pytest.mark.parametrize("which", ["", "last"])
    def test_search_compares_as_addresses_are_compared(self, stage: Stage, owner_client: Client, which: str) -> None:
        addresses = {21: "Ada@münchen.example", 22: "O'Brien+tag@octo.example", 23: '"Quoted"@octo.example'}
        rows = ndjson(range(1, 21)) + b"".join(
            ndjson([user_id], emails=[{"email": address, "primary": True}]) for user_id, address in addresses.items()
        )
        world = stage.connected()
        seat(stage.server, rows)
        world.sync()

        def found(search: str) -> list[int]:
            page = unescape(owner_client.get(url(stage, "sent"), {"q": search, "which": which}).content.decode())
            return [user_id for user_id in range(1, 24) if f'{{"user_id":{user_id},' in page]

        searches = ["7", "USER7@Octo", " ada@MÜNCHEN.example ", "o'brien+tag@octo.example", '"quoted"@octo.example']
        assert [found(search) for search in searches] == [[7], [7], [21], [22], [23]]
        assert found("nobody") == found("9" * 40) == []
