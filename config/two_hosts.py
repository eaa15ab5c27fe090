"""Starts the two sides as they are in earnest: two consoles, two host names, two data folders; Ctrl-C stops both."""

import argparse
import sys
from pathlib import Path

from config.supervisor import Program, Supervisor, own_environment

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make two-hosts", description=__doc__)
    parser.add_argument("--server-port", type=int, default=8001)
    parser.add_argument("--cloud-port", type=int, default=8002)
    parser.add_argument("--data", type=Path, default=ROOT / "var" / "two-hosts", help="the folder of both data folders")
    options = parser.parse_args(arguments)
    # Two names of this machine: cookies and form targets then behave as between two machines.
    server, cloud = f"http://localhost:{options.server_port}", f"http://127.0.0.1:{options.cloud_port}"
    supervisor = Supervisor(own_environment(CLOUD_URLS=cloud), ROOT, say)
    try:
        supervisor.start(console("cloud", cloud, options.cloud_port, options.data))
        supervisor.start(console("server", server, options.server_port, options.data))
        supervisor.watch()
    finally:
        supervisor.stop(("server", "cloud"))


def console(role: str, address: str, port: int, data: Path) -> Program:
    """One side; its own variables come before the command, everything else is shared."""
    own = (f"LICENSESYNC_ROLE={role}", f"BASE_URL={address}", f"LICENSESYNC_DATA_DIR={data / role}")
    up = (sys.executable, str(ROOT / "manage.py"), "up", "--no-demo", "--port", str(port))
    return Program(role, ["/usr/bin/env", *own, *up], stop_seconds=60)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
