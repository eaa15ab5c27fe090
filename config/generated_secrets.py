"""Makes what docker-compose.yml asks for: fresh secrets for both sides, each in a file of its own."""

import secrets
import sys
from pathlib import Path

from cryptography.fernet import Fernet

HOSTS = {"": "postgres", "cloud_": "cloud-postgres"}


def files() -> dict[str, str]:
    """File names and what stands in them; a database's password stands in its address once more, and no key has another
    one before it yet."""
    made: dict[str, str] = {}
    for side, host in HOSTS.items():
        password = secrets.token_urlsafe(24)
        made |= {
            f"{side}secret_key": secrets.token_urlsafe(50),
            f"{side}secret_key_fallbacks": "",
            f"{side}field_encryption_keys": Fernet.generate_key().decode(),
            f"{side}metrics_token": secrets.token_urlsafe(32),
            f"{side}postgres_password": password,
            f"{side}database_url": f"postgres://licensesync:{password}@{host}:5432/licensesync",
        }
    return made


def write(folder: Path) -> list[str]:
    """Write the files that are missing, and replace none: what a lost key encrypted cannot be opened again.

    The folder is its owner's alone. The files may be read by everybody who gets past it: compose hands them into the
    containers with the rights that they have here, and the console runs as a user of its own there.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    missing = {name: content for name, content in files().items() if not (folder / name).exists()}
    for side in HOSTS:
        if len({f"{side}postgres_password", f"{side}database_url"} & missing.keys()) == 1:
            raise SystemExit(f"{side}postgres_password and {side}database_url belong together, and one is missing.")
    for name, content in missing.items():
        (folder / name).write_text(f"{content}\n", encoding="utf-8")
        (folder / name).chmod(0o644)
    return list(missing)


if __name__ == "__main__":
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "secrets")
    sys.stdout.write(f"Made in {place}: {', '.join(write(place)) or 'nothing, since nothing is missing'}.\n")
