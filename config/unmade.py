"""Tells a database whose tables are still to be made from every other trouble with it."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

UNMADE = (
    "The database of this data folder is not made yet: start the console once with `make run` or run "
    "`manage.py migrate`."
)
# What PostgreSQL calls an undefined table; SQLite has words alone.
_UNDEFINED_TABLE = "42P01"


def is_unmade(error: DatabaseError) -> bool:
    """Whether a table was missed that a migration is still to make."""
    if getattr(error.__cause__, "sqlstate", "") != _UNDEFINED_TABLE and not str(error).startswith("no such table"):
        return False
    # A table may be missed in a transaction that is still open.
    connection.close()
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
