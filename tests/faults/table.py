"""The whole table: importing the modules of rows fills it."""

from tests.faults import rows_backups, rows_changes, rows_line, rows_processes, rows_workers
from tests.faults.rows import ROWS

__all__ = ["ROWS", "rows_backups", "rows_changes", "rows_line", "rows_processes", "rows_workers"]
