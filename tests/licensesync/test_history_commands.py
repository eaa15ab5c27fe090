"""The history, a receipt and the lines on the command line."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from enterprises.models import AuditEvent
from licensesync.models import SyncJob
from tests.licensesync.fake_cloud import refusal
from tests.licensesync.world import World, make_server, make_world, ndjson, seat
from wire.messages import ErrorCode

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def result(*arguments: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return values


@pytest.fixture
def world() -> World:
    """Synced once, then failed once."""
    world = make_world(make_server("ghes1"))
    world.sync()
    seat(world.server, ndjson(range(1, 5)))
    world.cloud.fail("part", lambda: refusal(413, ErrorCode.PAYLOAD_TOO_LARGE), number=2)
    world.sync()
    return world


def test_history_lists_newest_first_and_filters(world: World) -> None:
    everything = result("sync_history", "ghes1")["jobs"]
    lines = run("sync_history", "ghes1", "--limit", "1").splitlines()

    assert [job["state"] for job in everything] == ["failed", "succeeded"]
    assert len(lines) == 1
    assert "Failed" in lines[0]
    assert [job["state"] for job in result("sync_history", "ghes1", "--result", "succeeded")["jobs"]] == ["succeeded"]
    assert "No job is like that." in run("sync_history", "ghes1", "--trigger", "command")


def test_one_job_is_shown_with_attempts_and_log(world: World) -> None:
    job = SyncJob.objects.latest("pk")

    shown = result("sync_history", "ghes1", str(job.pk))

    assert shown["attempt_list"][0]["error_code"] == "payload_too_large"
    assert [event["event"] for event in shown["events"]] == [
        "requested", "attempt", "prepared", "opened", "failed", "withdrawn",
    ]  # fmt: skip
    assert "Attempt 1 began" in run("sync_history", "ghes1", str(job.pk))
    with pytest.raises(CommandError, match="has no job"):
        run("sync_history", "ghes1", str(job.pk + 1))


def test_receipt_is_stored_and_verified_again(world: World, tmp_path: Path) -> None:
    job = SyncJob.objects.earliest("pk")

    said = run("sync_receipt", "ghes1", "--verify", "--output", str(tmp_path / "receipt.json"))
    plain = run("sync_receipt", "ghes1", str(job.pk))

    readable = json.loads((tmp_path / "receipt.json").read_bytes())
    assert "signature holds, sync holds, numbers holds, lines holds. Key k, " in said
    assert plain.strip() == readable["jws"] == job.receipt
    assert (tmp_path / "receipt.json").stat().st_mode & 0o777 == 0o600


def test_receipt_that_does_not_hold_is_an_error(world: World) -> None:
    job = SyncJob.objects.earliest("pk")
    SyncJob.objects.filter(pk=job.pk).update(sha256="ab" * 32)

    with pytest.raises(CommandError, match="sync is wrong"):
        run("sync_receipt", "ghes1", "--verify")
    with pytest.raises(SystemExit):
        run("sync_receipt", "ghes1", "--verify", "--json")
    with pytest.raises(CommandError, match="There is no receipt"):
        run("sync_receipt", "ghes1", str(SyncJob.objects.latest("pk").pk))


@pytest.mark.parametrize("sent", [[], ["--sent"]])
def test_lines_are_the_bytes_of_their_digest_and_audited(world: World, tmp_path: Path, sent: list[str]) -> None:
    file = tmp_path / "lines.ndjson"

    job = SyncJob.objects.earliest("pk") if sent else SyncJob.objects.latest("pk")

    said = result("sync_lines", "ghes1", *sent, "--output", str(file))

    assert run("sync_lines", "ghes1", *sent).encode() == file.read_bytes()
    assert said["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() == job.sha256
    assert (said["lines"], said["bytes"]) == (job.accounts, file.stat().st_size)
    assert AuditEvent.objects.filter(action="report.download").count() == 2
    with pytest.raises(CommandError, match="cannot be written"):
        run("sync_lines", "ghes1", "--output", str(tmp_path))
    if sent:
        SyncJob.objects.all().delete()
        with pytest.raises(CommandError, match="Nothing was sent yet"):
            run("sync_lines", "ghes1", "--sent")
