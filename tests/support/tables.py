"""Empties the tables of the test database, and leaves alone what migrations wrote."""

from typing import Final

from django.db import connection, transaction

from enterprises import append_only

KEPT: Final = frozenset({"django_migrations", "django_content_type", "auth_permission"})


def empty_tables() -> None:
    """Delete every row in one transaction, at whose end all references are gone together."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(), connection.cursor() as cursor:
        append_only.allow(connection)
        for name in sorted(set(names) - KEPT):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(name)}")  # noqa: S608
        append_only.forbid(connection)
