"""The two addresses for whoever watches the process."""

import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config.version import newest_migrations


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


@pytest.mark.django_db
def test_readyz_is_unavailable_while_migrations_are_pending(client: Client) -> None:
    MigrationRecorder(connection).migration_qs.filter(app="cloud", name=newest_migrations()["cloud"]).delete()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert (answer.json()["migrations"], answer.json()["keys"]) == ("pending", "unknown")


@pytest.mark.django_db
def test_readyz_of_old_code_stays_well_on_newer_tables(client: Client) -> None:
    MigrationRecorder(connection).record_applied("cloud", "9999_of_the_next_version")

    assert client.get("/readyz").json()["migrations"] == "ok"
