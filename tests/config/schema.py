"""What code of a past release needs of the tables: that its columns are there, and that it may leave out all others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, TypeAlias

from django.db import connection

from config.version import APPS, project_version

DATA: Final = Path(__file__).parents[1] / "data"

Schema: TypeAlias = dict[str, dict[str, bool]]
"""By table: each column, and whether a row has to be given a value for it."""


def schema() -> Schema:
    """The tables of ours as the database has them now."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        return {table: columns(table) for table in sorted(names) if table.partition("_")[0] in APPS}


def columns(table: str) -> dict[str, bool]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, table)
    return {column.name: not column.null_ok and column.default is None for column in found}


def hurdles(recorded: Schema, now: Schema) -> list[str]:
    """What stops the code that knew the recorded tables from reading and writing today's."""
    found = []
    for table, known in recorded.items():
        present = now.get(table, {})
        found += [f"{table}.{column} is gone" for column in known if column not in present]
        needed = [column for column, is_needed in present.items() if is_needed]
        found += [f"{table}.{column} has become needed" for column in needed if not known.get(column)]
    return found


def recorded_schemas() -> dict[str, Schema]:
    """By file, every release whose code may still run."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(DATA.glob("schema-*.json"))}


def write_schema() -> None:
    """Keep the tables of this release."""
    path = DATA / f"schema-{project_version()}.json"
    path.write_text(f"{json.dumps(schema(), indent=1)}\n")
