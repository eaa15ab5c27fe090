"""Keeps the tables of a release, `pytest tests/config/record_schema.py`: no test, run by hand once when it is made."""

import pytest

from tests.config.schema import write_schema


@pytest.mark.django_db
def test_record() -> None:
    """Write `tests/data/schema-VERSION.json`."""
    write_schema()
