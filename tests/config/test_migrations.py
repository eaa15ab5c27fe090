"""Migrations have names, can be undone, and leave the same tables behind when they come again."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations import Migration, operations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from config.health import migrations_state
from config.version import APPS


def ours() -> list[Migration]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return [migration for (app, _name), migration in sorted(loader.disk_migrations.items()) if app in APPS]


def faults(migration: Migration) -> list[str]:
    """What is wrong with a migration: a name that Django made up, a step without a way back."""
    _number, _, name = migration.name.partition("_")
    has_no_name = not migration.initial and name in ("", migration.suggest_name())
    irreversible = [type(operation).__name__ for operation in migration.operations if not operation.reversible]
    return [*(["no name"] if has_no_name or "auto_" in name else []), *irreversible]


@pytest.mark.parametrize("migration", ours(), ids=str)
def test_migration_has_a_name_and_a_way_back(migration: Migration) -> None:
    assert faults(migration) == []


class Forgotten(Migration):
    operations = [operations.DeleteModel("Intake"), operations.RunPython(lambda _apps, _editor: None)]


@pytest.mark.parametrize(("name", "found"), [
    ("0002", ["no name", "RunPython"]),
    ("0002_auto_20261124_0930", ["no name", "RunPython"]),
    (f"0002_{Forgotten('', '').suggest_name()}", ["no name", "RunPython"]),
    ("0002_drop_what_came_in", ["RunPython"]),
])  # fmt: skip
def test_name_that_nobody_gave_and_step_without_a_way_back_are_noticed(name: str, found: list[str]) -> None:
    assert faults(Forgotten(name, "cloud")) == found


def tables() -> dict[str, set[str]]:
    """Every table of ours with its columns and the names of its constraints and indexes."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.partition("_")[0] in APPS:
                columns = connection.introspection.get_table_description(cursor, table)
                constraints = connection.introspection.get_constraints(cursor, table)
                found[table] = {column.name for column in columns} | set(constraints)
    return found


@pytest.mark.django_db(transaction=True)
def test_newest_migrations_back_and_forth_again() -> None:
    graph = MigrationExecutor(connection).loader.graph
    newest = [leaf for leaf in graph.leaf_nodes() if leaf[0] in APPS]
    # A first migration has none of its own app before it; the way back out of it is only looked at above.
    before_them = [
        (parent.key[0], parent.key[1])
        for leaf in newest
        for parent in graph.node_map[leaf].parents
        if parent.key[0] == leaf[0]
    ]
    now = tables()

    try:
        MigrationExecutor(connection).migrate(before_them)
        earlier = tables()
        is_pending = migrations_state()
    finally:
        MigrationExecutor(connection).migrate(graph.leaf_nodes())

    assert (is_pending, migrations_state()) == ("pending", "ok")
    assert {"enterprises_user", "connect_server", "licensesync_syncjob", "cloud_intake"} < earlier.keys()
    assert tables() == now
