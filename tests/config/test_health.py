"""The two addresses for whoever watches the process."""

import pytest
from django.conf import LazySettings
from django.test import Client


def test_healthz_answers_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_names_every_part_that_works(client: Client) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 200
    parts = {"database": "ok", "broker": "ok", "beat": "awaited", "migrations": "ok", "keys": "ok"}
    assert answer.json() == {"status": "ok", **parts}


@pytest.mark.django_db
def test_readyz_is_unavailable_without_the_broker(client: Client, settings: LazySettings) -> None:
    settings.BROKER_CACHE_URL = "unix:///nowhere/valkey.sock?db=0"

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["broker"] == "unreachable"
    assert answer.json()["beat"] == "unknown"
