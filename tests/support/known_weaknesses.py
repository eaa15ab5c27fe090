"""Looks the pinned dependencies up in the OSV database of known weaknesses, where that database can be reached."""

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATABASE = ("api.osv.dev", 443)


def main() -> int:
    """Return pip-audit's own exit code, or 0 after one line where nobody could be asked."""
    try:
        socket.create_connection(DATABASE, timeout=3).close()
    except OSError as error:
        sys.stdout.write(f"Known weaknesses were not looked up: {DATABASE[0]} cannot be reached ({error}).\n")
        return 0
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--disable-pip", "--require-hashes"]
    command += ["--progress-spinner", "off", "--requirement", str(ROOT / "requirements.txt")]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
