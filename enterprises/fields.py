"""Database columns whose order and equality are the same on every database."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class CodePointTextField(_TextField):
    """Text that sorts by code point, as SQLite does by itself; indexes stay small and fast."""

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        """Ask PostgreSQL for its "C" collation."""
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters
