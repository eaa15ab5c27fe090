"""The worker knows every task that beat asks for, and understands JSON only."""

from typing import Any

from django.conf import settings

from config.celery import app


def test_worker_knows_every_task_of_beat() -> None:
    app.loader.import_default_modules()

    asked = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert asked == {"licensesync.tick", "cloud.tick"}
    assert asked <= set(app.tasks)


def test_beat_expires_before_it_asks_again() -> None:
    entries: list[dict[str, Any]] = list(settings.CELERY_BEAT_SCHEDULE.values())

    assert all(entry["options"]["expires"] < entry["schedule"] for entry in entries)


def test_messages_are_json_and_nobody_waits_for_a_broker() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_publish_retry is False
    assert app.conf.task_ignore_result is True
