"""The whole table: importing the modules of rows fills it."""

from tests.states import rows_cloud, rows_network, rows_server, rows_setup, rows_sources, rows_states, rows_storage
from tests.states.rows import ROWS

__all__ = [
    "ROWS",
    "rows_cloud",
    "rows_network",
    "rows_server",
    "rows_setup",
    "rows_sources",
    "rows_states",
    "rows_storage",
]
