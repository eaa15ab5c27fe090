"""A backup holds this console's tables alone, and a restore never drops what somebody else keeps beside them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from config import postgres_copy
from config.archive import BackupInvalid

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
FOREIGN = "payroll"


@pytest.fixture
def foreign() -> Iterator[None]:
    """Somebody else's table in the same database, with a row."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE payroll (salary integer)")
        cursor.execute("INSERT INTO payroll VALUES (1)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS payroll")


def test_backup_leaves_foreign_tables_out(foreign: None, tmp_path: Path) -> None:
    _migrations, columns = postgres_copy.dump(tmp_path)

    assert FOREIGN not in columns
    assert "cloud_ledger" in columns
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(columns)


def test_restore_beside_foreign_tables_is_refused(foreign: None, tmp_path: Path) -> None:
    before = set(connection.introspection.table_names())

    with pytest.raises(BackupInvalid, match=FOREIGN):
        postgres_copy.restore({}, columns={}, leaves=[])

    assert set(connection.introspection.table_names()) == before
