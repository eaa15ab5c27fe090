"""Nothing changes or deletes what the audit log holds: no code of ours tries, and the database refuses."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models import DO_NOTHING, ForeignKey

from config import sqlite_copy
from config.archive import BackupInvalid
from enterprises import append_only
from enterprises.audit import record
from enterprises.models import AuditEvent, Enterprise, User
from tests.factories import NOW

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("config", "enterprises", "connect", "licensesync", "cloud")
NAMES_IT: Final = re.compile(r"AuditEvent|audit_events|auditevent", re.IGNORECASE)
CHANGES_ROWS: Final = re.compile(
    r"\.(update|delete|save|asave|bulk_update|update_or_create|_raw_delete|update_conflicts)\(|delete_piece"
    r"|\b(UPDATE|DELETE|TRUNCATE|REPLACE)\b"
)
# The guard itself, and what made it.
GUARD: Final = {"append_only.py", "0003_audit_log_is_append_only.py"}


def sql(statement: str) -> Callable[[AuditEvent], object]:
    def act(_event: AuditEvent) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return act


@pytest.mark.parametrize(
    "act",
    [
        lambda event: event.delete(),
        lambda event: event.save(),
        lambda _event: AuditEvent.objects.all().delete(),
        lambda _event: AuditEvent.objects.update(actor_name="nobody"),
        lambda event: AuditEvent.objects.bulk_update([event], ["ip"]),
        sql("UPDATE enterprises_auditevent SET ip = ''"),
        sql("DELETE FROM enterprises_auditevent"),
        pytest.param(sql("TRUNCATE enterprises_auditevent CASCADE"), marks=pytest.mark.postgres),
    ],
)
def test_database_refuses(act: Callable[[AuditEvent], object], server_enterprise: Enterprise) -> None:
    record(enterprise=server_enterprise, action="license.update", by=None, at=NOW)
    written = list(AuditEvent.objects.order_by("pk").values())

    with pytest.raises(IntegrityError, match=r"The audit log is append-only\."), transaction.atomic():
        act(AuditEvent.objects.latest("pk"))

    assert list(AuditEvent.objects.order_by("pk").values()) == written


@pytest.mark.django_db
def test_without_the_guard_the_database_does_not_care(server_enterprise: Enterprise) -> None:
    append_only.allow(connection)

    AuditEvent.objects.update(actor_name="nobody")
    AuditEvent.objects.all().delete()

    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(("change", "is_ours"), [
    ("SELECT 1", True),
    ("CREATE TRIGGER spy AFTER INSERT ON enterprises_auditevent BEGIN DELETE FROM enterprises_role; END", False),
    ("CREATE VIEW django_migrations_of_others AS SELECT 1", False),
])  # fmt: skip
def test_backup_with_a_trigger_of_somebody_else_is_refused(change: str, is_ours: bool, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        copy.execute(f"CREATE TABLE {append_only.TABLE} (id INTEGER)")
        for statement in (*append_only.SQLITE.values(), change):
            copy.execute(statement)
        copy.commit()

    with nullcontext() if is_ours else pytest.raises(BackupInvalid, match="not one of this console"):
        sqlite_copy._check(tmp_path / "copy")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_code_tries(package: str) -> None:
    """Where the log is named nothing is changed or deleted, and elsewhere nobody can."""
    texts = {path: path.read_text() for path in (ROOT / package).rglob("*.py") if path.name not in GUARD}

    assert texts
    tries = [path.name for path, text in texts.items() if NAMES_IT.search(text) and CHANGES_ROWS.search(text)]
    assert tries == []


def test_deleting_others_does_not_reach_it() -> None:
    references = {
        field.name: field.remote_field.on_delete
        for field in AuditEvent._meta.concrete_fields
        if isinstance(field, ForeignKey)
    }

    assert references == {"enterprise": DO_NOTHING, "actor": DO_NOTHING}


@pytest.mark.django_db(transaction=True)
def test_migration_has_a_way_back(owner: User, server_enterprise: Enterprise) -> None:
    """Where the foreign keys come back what leads nowhere is let go, and the rows stay."""
    record(enterprise=server_enterprise, action="license.update", by=owner, at=NOW)
    count = AuditEvent.objects.count()
    # Migrations of others stand on those that are undone, and come back with them.
    leaves = MigrationExecutor(connection).loader.graph.leaf_nodes()
    server_enterprise.delete()
    owner.delete()
    try:
        MigrationExecutor(connection).migrate([("enterprises", "0002_review_beside_its_file")])
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*), count(actor_id), count(enterprise_id) FROM enterprises_auditevent")
            assert cursor.fetchone() == (count, 0, 0)
    finally:
        MigrationExecutor(connection).migrate(leaves)
    with pytest.raises(IntegrityError):
        AuditEvent.objects.update(actor_name="nobody")


def test_documented_way_by_hand_deletes_and_forbids_again(owner: User, server_enterprise: Enterprise) -> None:
    record(enterprise=server_enterprise, action="license.update", by=owner, at=datetime(2025, 12, 31, tzinfo=UTC))
    kept = record(enterprise=server_enterprise, action="license.update", by=owner, at=NOW)
    heading = "-- PostgreSQL" if connection.vendor == "postgresql" else "-- SQLite"
    document = (ROOT / "docs" / "operations.md").read_text()
    block = re.split(r"^--.*|^```", document.split(f"\n{heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]

    with transaction.atomic(), connection.cursor() as cursor:
        for line in block.splitlines()[1:-1]:
            cursor.execute(line)

    assert AuditEvent.objects.filter(actor=owner).get() == kept
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEvent.objects.all().delete()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")
            assert {statement for (statement,) in cursor.fetchall()} == set(append_only.SQLITE.values())
