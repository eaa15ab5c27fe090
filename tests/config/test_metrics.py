"""What Prometheus reads, who may read it, and that it costs the same for many servers."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from cloud.models import Installation, Intake, Ledger
from config.celery import app
from config.heartbeat import give_sign
from config.version import project_version
from connect.models import Connection
from licensesync.models import License, Schedule, SeatSource, SyncJob
from licensesync.state.codes import StateCode
from tests.support.line import connect, make_ledger, make_server

if TYPE_CHECKING:
    from pytest_django import Settings

    from connect.models import Server
    from enterprises.models import User

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "metrics-token-of-the-suite-0123456789"
SECRET_PERSON = "planted.person@octo.example"


@pytest.fixture(autouse=True)
def _token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def server(owner: User) -> Server:
    """Connected to the account octo, enabled, and never synced."""
    server = make_server("octo-server", owner=owner)
    connect(server, make_ledger("octo", owner=owner).enterprise, owner=owner)
    Connection.objects.update(license_sync_enabled_at=timezone.now())
    return server


def read(client: Client) -> str:
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.content.decode()


def measured(client: Client) -> dict[str, float]:
    """Numbers by name and values of labels, such as ``jobs octo-server ghes.octo.example failed``."""
    return {
        " ".join([sample.name.removeprefix("licensesync_"), *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(read(client))
        for sample in family.samples
    }


def make_job(server: Server, state: str, **fields: object) -> None:
    now = timezone.now()
    finished = None if state in SyncJob.ACTIVE else now - timedelta(hours=1)
    facts = {"kind": "usage", "slot": "sync", "trigger": "person", "created_at": now, "finished_at": finished}
    SyncJob.objects.create(**{"connection": server.connection, "state": state, **facts, **fields})


def test_without_a_token_of_the_configuration_there_are_none(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}é", TOKEN])
def test_wrong_token_reads_nothing(client: Client, header: str | None, caplog: pytest.LogCaptureFixture) -> None:
    answer = client.get("/metrics", headers={} if header is None else {"Authorization": header})

    assert (answer.status_code, answer.content, answer["WWW-Authenticate"]) == (401, b"", "Bearer")
    assert caplog.messages == ["Metrics were asked for without their token."]
    assert "wrong" not in str([vars(seen) for seen in caplog.records])


def test_guessing_is_slowed_down_and_the_token_is_not(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.metrics.MAX_FAILURES", 1)

    answers = [client.get("/metrics", headers={"Authorization": f"Bearer {guess}"}) for guess in ("a", "b", TOKEN)]

    assert [answer.status_code for answer in answers] == [401, 429, 200]


def test_session_of_an_owner_reads_nothing(client: Client, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/metrics").status_code == 401


def test_console_itself(client: Client) -> None:
    give_sign()
    app.send_task("licensesync.tick")

    found = measured(client)

    assert found[f"build_info both {project_version()}"] == 1
    assert {name: found[name] for name in ("broker_up", "beat_up", "queue_depth", "database_up")} == {
        "broker_up": 1,
        "beat_up": 1,
        "queue_depth": 1,
        "database_up": 1,
    }


def test_broker_that_is_down_is_a_measurement(client: Client, server: Server, settings: Settings) -> None:
    settings.BROKER_CACHE_URL = "unix:///nowhere/valkey.sock?db=0"

    found = measured(client)

    assert (found["broker_up"], found["beat_up"], found["database_up"]) == (0, 0, 1)
    assert "queue_depth" not in found
    assert found["sync_enabled octo-server ghes.octo.example"] == 1


def test_database_that_is_down_is_a_measurement(client: Client, server: Server) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE licensesync_syncjob RENAME TO gone")

    found = measured(client)

    assert (found["database_up"], found["broker_up"]) == (0, 1)
    assert not [name for name in found if "octo-server" in name]


def test_server_and_its_jobs(client: Client, server: Server) -> None:
    name, now = "octo-server ghes.octo.example", timezone.now()
    License.objects.create(server=server, customer="Octo", seats=100)
    taken_at = now - timedelta(days=2)
    SeatSource.objects.create(server=server, taken_at=taken_at, imported_at=now, accounts=70, license_consuming=60)
    make_job(server, "succeeded", finished_at=now - timedelta(days=9))
    make_job(server, "succeeded")
    make_job(server, "succeeded", kind="record", slot="record", finished_at=now)
    make_job(server, "failed", error_code="revision_conflict")
    make_job(server, "cancelled", error_code="cancelled_by_person")
    make_job(server, "queued", error_code="timeout", not_before=now + timedelta(hours=1))

    found = measured(client)

    assert found[f"last_success_age_seconds {name}"] == pytest.approx(3_600, abs=60)
    assert found[f"seats_age_seconds {name}"] == pytest.approx(2 * 86_400, abs=60)
    assert (found[f"seats_used {name}"], found[f"seats_left {name}"]) == (60, 40)
    states = {state: found[f"jobs {name} {state}"] for state in SyncJob.State.values}
    nothing = dict.fromkeys(("preparing", "uploading", "applying", "exported"), 0)
    assert states == {"queued": 1, "succeeded": 3, "failed": 1, "cancelled": 1, **nothing}
    failures = {key: number for key, number in found.items() if key.startswith("failures ")}
    assert failures == {f"failures revision_conflict {name}": 1, f"failures timeout {name}": 1}
    assert found[f"retrying_jobs {name}"] == 1
    assert (found["work_late server"], found["work_late cloud"]) == (0, 0)
    codes = {key.split()[-1]: number for key, number in found.items() if key.startswith("state ")}
    assert codes == {str(code): float(code == "failed") for code in StateCode}


def test_when_a_server_runs_next_and_how_old_is_what_it_sent(client: Client, server: Server) -> None:
    name, now = "octo-server ghes.octo.example", timezone.now()
    make_job(server, "succeeded", attempted_at=now, started_at=now, taken_at=now - timedelta(days=20))
    Schedule.objects.update_or_create(
        connection=server.connection, slot="sync", defaults={"anchor_at": now, "next_run_at": now + timedelta(days=2)}
    )

    found = measured(client)

    assert found[f"state {name} synced_old_seats"] == 1
    assert found[f"synced_seats_age_seconds {name}"] == pytest.approx(20 * 86_400, abs=60)
    assert found[f"last_attempt_age_seconds {name}"] == pytest.approx(0, abs=60)
    assert found[f"next_run_seconds {name}"] == pytest.approx(2 * 86_400, abs=60)


def test_what_was_never_seen_is_absent_and_not_zero(client: Client, server: Server) -> None:
    found = measured(client)

    for name in ("last_success_age_seconds", "seats_age_seconds", "seats_used", "seats_left"):
        assert f"{name} octo-server ghes.octo.example" not in found
    assert "cloud_report_age_seconds octo ghes.octo.example" not in found


def test_job_that_nobody_begins_is_late(client: Client, server: Server) -> None:
    make_job(server, "queued", created_at=timezone.now() - timedelta(hours=1))

    assert measured(client)["work_late server"] == 1


def test_account_and_what_its_servers_sent(client: Client, server: Server) -> None:
    now = timezone.now()
    Ledger.objects.update(consumed=61)
    Installation.objects.update(last_sync_at=now - timedelta(days=3))
    original = Installation.objects.get()
    Installation.objects.create(
        ledger=original.ledger,
        server_id="00000000-0000-4000-8000-000000000001",
        hostname=original.hostname,
        created_at=now,
        last_sync_at=now,
    )
    for number, (state, code) in enumerate([("applied", ""), ("refused", "digest_mismatch")]):
        make_intake(original, number, state, code)

    found = measured(client)

    name = "octo ghes.octo.example"
    assert (found["cloud_licenses_consumed octo"], found["cloud_licenses_purchased octo"]) == (61, 100)
    assert found[f"cloud_report_age_seconds {name}"] == pytest.approx(3 * 86_400, abs=60)
    assert (found[f"cloud_intakes {name} applied"], found[f"cloud_intakes {name} refused"]) == (1, 1)
    assert found[f"cloud_refusals digest_mismatch {name}"] == 1


def make_intake(installation: Installation, number: int, state: str, code: str) -> None:
    now = timezone.now()
    Intake.objects.create(
        installation=installation,
        snapshot_id=f"00000000-0000-4000-9000-00000000000{number}",
        state=state,
        error_code=code,
        error=SECRET_PERSON,
        opened_at=now,
        finished_at=now,
        expires_at=now,
        opening={},
        opened_at_revision=0,
    )


def test_code_that_a_cloud_made_up_is_unknown_and_no_label(client: Client, server: Server) -> None:
    make_job(server, "failed", error_code=SECRET_PERSON)

    text = read(client)

    assert 'class="unknown"' in text
    assert SECRET_PERSON not in text


def test_documentation_names_every_measurement_and_no_other(client: Client) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    table = text.partition("| measurement, after `licensesync_` |")[2].partition("\n\n")[0]

    documented = {name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}

    names = set(re.findall(r"^# HELP licensesync_(\w+)", read(client), re.MULTILINE))
    assert documented == names
    assert set(re.findall(r"\blicensesync_(\w+)", text.partition("rules:")[2].partition("```")[0])) <= names


def test_many_servers_cost_as_many_queries_as_one(client: Client, server: Server, owner: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            database,
        ) as seen:
            measured(client)
        return len(seen)

    few = queries()
    for number in range(3):
        other = make_server(f"server-{number}", hostname=f"ghes{number}.octo.example", owner=owner)
        connect(other, make_ledger(f"octo-{number}", owner=owner).enterprise, owner=owner)
        make_job(other, "failed", error_code="timeout")

    assert queries() == few <= 15
