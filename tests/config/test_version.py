"""`version` says what an upgrade depends on."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config.version import APPS, newest_migrations


def facts() -> dict[str, Any]:
    output = StringIO()
    call_command("version", "--json", stdout=output)
    told: dict[str, Any] = json.loads(output.getvalue())
    return told


@pytest.mark.django_db
def test_formats_and_tables_are_named() -> None:
    told = facts()

    assert (told["version"], told["wire_formats"], told["backup_format"]) == ("0.1.0", [1], 1)
    assert (tuple(told["schema"]), told["schema_state"]) == (APPS, "ok")
    assert all(name[:4].isdecimal() for name in told["schema"].values())


@pytest.mark.django_db
def test_pending_migrations_are_told_in_words_too() -> None:
    MigrationRecorder(connection).migration_qs.filter(app="enterprises").delete()
    output = StringIO()

    call_command("version", stdout=output)

    first, formats, schema = output.getvalue().splitlines()
    assert first.startswith("licensesync 0.1.0 (both), Python ")
    assert formats == "wire formats 1, backup format 1"
    assert f"enterprises {newest_migrations()['enterprises']}" in schema
    assert schema.endswith(": pending")


def test_database_that_is_not_there_is_not_made_by_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "licensesync.sqlite3"
    monkeypatch.setitem(connection.settings_dict, "NAME", path)
    monkeypatch.setattr(connection, "vendor", "sqlite")

    assert facts()["schema_state"] == "not made"
    assert not path.exists()
