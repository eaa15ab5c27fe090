"""All tables of a PostgreSQL database go into files, and come back from them, each way in one transaction.

COPY needs no programs of PostgreSQL on this machine, and asks nothing of their version.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from psycopg import sql

from config.archive import BackupInvalid
from enterprises.keys import check_keys

# Made by the migrations themselves, and with them.
_MADE: Final = "django_migrations"
_CHUNK: Final = 1024 * 1024


def dump(folder: Path) -> tuple[list[tuple[str, str]], dict[str, list[str]]]:
    """Write each table into ``folder``, all as of one moment; answer the migrations and each table's columns."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT app, name FROM django_migrations ORDER BY id")
        migrations = [(app, name) for app, name in cursor.fetchall()]
        columns = _columns(cursor)
        for table, names in columns.items():
            with (folder / table).open("wb") as file, cursor.copy(_statement("TO STDOUT", table, names)) as rows:
                for data in rows:
                    file.write(data)
    return migrations, columns


def restore(
    files: Mapping[str, Path], *, columns: Mapping[str, Sequence[str]], leaves: Sequence[tuple[str, str]]
) -> None:
    """Put the tables in place of everything that is there: made as they were, filled, and only then brought up to date.

    :raises BackupInvalid: its tables are not those of its migrations, or others keep tables beside ours
    :raises WrongEncryptionKey: the configured keys do not open its secrets
    """
    # COPY goes past Django, which would have told the driver's errors in its own terms.
    with transaction.atomic(), connection.wrap_database_errors, connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '15s'")
        there = connection.introspection.table_names(cursor)
        if foreign := [table for table in there if not _is_ours(table)]:
            raise BackupInvalid(f"The database also holds tables that are not of this console, such as {foreign[0]}.")
        for table in there:
            cursor.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(table)))
        MigrationExecutor(connection).migrate(list(leaves))
        # The migrations leave constraints immediate, and a table may come before the one that it refers to.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        made = _columns(cursor)
        if {table: sorted(names) for table, names in columns.items()} != {
            table: sorted(names) for table, names in made.items()
        } or set(files) != set(made):
            raise BackupInvalid("Its tables are not those of the version that it names.")
        for table, path in files.items():
            with path.open("rb") as file, cursor.copy(_statement("FROM STDIN", table, columns[table])) as rows:
                while data := file.read(_CHUNK):
                    rows.write(data)
        for statement in connection.ops.sequence_reset_sql(no_style(), apps.get_models(include_auto_created=True)):
            cursor.execute(statement)
        # A table whose checks are still to be made cannot be altered by the migrations that follow.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        call_command("migrate", verbosity=0, interactive=False)
        check_keys()


def _columns(cursor: Any) -> dict[str, list[str]]:
    tables = {table for table in connection.introspection.table_names(cursor) if _is_ours(table)} - {_MADE}
    cursor.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND is_generated = 'NEVER' ORDER BY table_name, ordinal_position"
    )
    found: dict[str, list[str]] = {}
    for table, column in cursor.fetchall():
        if table in tables:
            found.setdefault(table, []).append(column)
    return found


def _is_ours(table: str) -> bool:
    """By its app's name, since a table of an older version may have no model any more."""
    return table.startswith(("django_", *(f"{app.label}_" for app in apps.get_app_configs())))


def _statement(direction: str, table: str, columns: Sequence[str]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) {}").format(sql.Identifier(table), names, sql.SQL(direction))
