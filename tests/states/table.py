"""The whole table, in the order of the modules here; importing them fills it."""

from typing import Final

from tests.states import rows_cloud, rows_network, rows_server, rows_setup, rows_sources, rows_states, rows_storage
from tests.states.rows import ROWS as DECLARED
from tests.states.rows import Row

_MODULES: Final = (rows_states, rows_network, rows_cloud, rows_server, rows_storage, rows_sources, rows_setup)
_PLACES: Final = {module.__name__: place for place, module in enumerate(_MODULES)}

ROWS: Final[list[Row]] = sorted(DECLARED, key=lambda row: _PLACES[row.cause.__module__])
