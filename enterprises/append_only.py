"""The audit log's own guard in the database: what was written there is neither changed nor deleted, whoever asks.

Migrations use what stands here: a trigger that changes gets a new name and a migration of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "enterprises_auditevent"
NAME: Final = "audit_event_is_append_only"

SQLITE: Final = {
    f"{NAME}_{word}": f"CREATE TRIGGER {NAME}_{word} BEFORE {word.upper()} ON {TABLE} "
    "BEGIN SELECT RAISE(ABORT, 'The audit log is append-only.'); END"
    for word in ("update", "delete")
}
"""The only triggers of a SQLite database of ours, by name, as SQLite keeps them."""

_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only.' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
_TRIGGER: Final = (
    f"CREATE TRIGGER {NAME} BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {NAME}()"
)


def forbid(connection: BaseDatabaseWrapper) -> None:
    """From now on the database refuses to change or delete what the table holds (`IntegrityError`)."""
    statements = (_FUNCTION, _TRIGGER) if connection.vendor == "postgresql" else SQLITE.values()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def allow(connection: BaseDatabaseWrapper) -> None:
    """The way back: for the migration's, and for tests that begin with empty tables."""
    if connection.vendor == "postgresql":
        statements = [f"DROP TRIGGER {NAME} ON {TABLE}", f"DROP FUNCTION {NAME}()"]
    else:
        statements = [f"DROP TRIGGER {name}" for name in SQLITE]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
