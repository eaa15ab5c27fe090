"""Workers of the suite do not share what they count."""

import os

from django.conf import settings


def test_every_worker_has_a_valkey_database_of_its_own() -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) + 1 if worker else 0

    assert settings.BROKER_CACHE_URL.endswith(f"?db={number}")
    assert settings.CELERY_BROKER_URL.endswith(f"?virtual_host={number}")
