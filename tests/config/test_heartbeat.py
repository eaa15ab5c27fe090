"""Whether beat is alive: its own sign, the patience with a console that starts, and with a broker that was emptied."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from celery.beat import Scheduler
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from config import alive, heartbeat
from config.celery import app
from config.heartbeat import Beat, beat_state, give_sign
from config.local_checks import local_checks
from enterprises.doctor import Check, Status

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """Stands still at noon, in a process that started the day before."""
    monkeypatch.setattr(heartbeat, "_started_at", LONG_AGO)
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def beat_check() -> Check:
    return next(check for check in local_checks() if check.name == "Beat")


def test_tick_of_beat_is_its_sign_of_life() -> None:
    scheduler = Scheduler(app)
    entry = next(iter(scheduler.schedule.values()))

    scheduler.apply_entry(entry, producer=scheduler.producer)

    assert beat_state() == Beat.OK


def test_other_messages_say_nothing_of_beat() -> None:
    app.send_task("licensesync.tick")

    assert beat_state() == Beat.AWAITED


@pytest.mark.django_db
def test_silence_is_red_after_three_minutes_and_ends_with_the_next_sign(
    client: Client, clock: time_machine.Traveller
) -> None:
    give_sign()
    clock.shift(180)
    assert client.get("/readyz").json()["beat"] == "ok"

    clock.shift(1)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["beat"]) == (503, "silent: no tick for more than three minutes")
    assert beat_check().status == Status.FAILED

    give_sign()
    assert client.get("/readyz").status_code == 200
    assert beat_check().status == Status.OK


def test_sign_from_the_future_does_not_count_for_long(clock: time_machine.Traveller) -> None:
    give_sign()

    clock.shift(timedelta(days=-1))
    assert beat_state() == Beat.SILENT

    give_sign()
    assert beat_state() == Beat.OK


def test_emptied_broker_is_bridged_until_the_next_tick_is_overdue(clock: time_machine.Traveller) -> None:
    give_sign()
    cache.clear()
    assert beat_state() == Beat.AWAITED

    clock.shift(65)
    assert beat_state() == Beat.AWAITED
    clock.shift(1)
    assert beat_state() == Beat.NEVER_HEARD
    give_sign()
    assert beat_state() == Beat.OK


@pytest.mark.django_db
def test_fresh_start_waits_three_minutes_for_its_beat(
    client: Client, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "_started_at", NOON)
    assert client.get("/readyz").json()["beat"] == "awaited"
    clock.shift(180)
    assert client.get("/readyz").status_code == 200

    clock.shift(1)

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["beat"] == "silent: no tick since the broker was started or emptied"


@pytest.mark.django_db
def test_broker_that_is_gone_is_said_once(settings: Settings) -> None:
    settings.BROKER_CACHE_URL = "unix:///nowhere/valkey.sock?db=0"

    assert "Beat" not in [check.name for check in local_checks()]


def test_sign_touches_the_file_of_the_health_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "alive"
    monkeypatch.setenv("ALIVE_FILE", str(file))
    assert alive.complaint(60) == f"{file} cannot be looked at: No such file or directory."

    give_sign()

    assert alive.complaint(60) == ""


def test_health_check_fails_with_a_sentence_where_the_last_sign_is_old(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    file.touch()
    old = time.time() - 100
    os.utime(file, (old, old))
    command = [sys.executable, "-I", "-S", "config/alive.py", "60"]

    done = subprocess.run(command, cwd=ROOT, env={"ALIVE_FILE": str(file)}, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith("The last sign of life is 100 seconds old.")
