"""Code of a past release runs on today's tables: nothing it knows is gone, nothing that it leaves out is needed."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from tests.config.schema import columns, hurdles, recorded_schemas, schema


@pytest.mark.django_db
@pytest.mark.parametrize("release", recorded_schemas())
def test_code_of_a_past_release_runs_on_the_new_tables(release: str) -> None:
    assert hurdles(recorded_schemas()[release], schema()) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("added", "hurdle"),
    [
        ("added text NULL", None),
        ("added text NOT NULL DEFAULT ''", None),
        ("added text NOT NULL", "scratch.added has become needed"),
    ],
)
def test_column_without_a_default_is_noticed_because_old_code_would_fail(added: str, hurdle: str | None) -> None:
    recorded = {"scratch": {"kept": True}}
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE scratch (kept text NOT NULL, {added})")

    found = hurdles(recorded, {"scratch": columns("scratch")})

    assert found == ([hurdle] if hurdle else [])
    assert insert_of_old_code() == (hurdle is None)


def insert_of_old_code() -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO scratch (kept) VALUES ('x')")
    except IntegrityError:
        return False
    return True


def test_column_that_is_gone_or_tightened_is_noticed() -> None:
    recorded = {"scratch": {"kept": True, "gone": True, "loose": False}, "lost": {"all": True}}

    found = hurdles(recorded, {"scratch": {"kept": True, "loose": True}})

    assert found == ["scratch.gone is gone", "scratch.loose has become needed", "lost.all is gone"]
