"""Where a connection honestly stands: one function that page, command, metrics and home share."""

from licensesync.state.codes import BY_FILE, StateCode
from licensesync.state.reading import (
    OLD_SEATS_AFTER,
    STALE_AFTER,
    ConnectionState,
    connection_state,
    connection_states,
    is_of_this_connection,
)

__all__ = [
    "BY_FILE",
    "OLD_SEATS_AFTER",
    "STALE_AFTER",
    "ConnectionState",
    "StateCode",
    "connection_state",
    "connection_states",
    "is_of_this_connection",
]
