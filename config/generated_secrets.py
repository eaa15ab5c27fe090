"""Prints what docker-compose.yml asks for in .env: fresh secrets for both sides."""

import secrets
import sys

from cryptography.fernet import Fernet


def lines() -> list[str]:
    made = []
    for side in ("", "CLOUD_"):
        made += [
            f"{side}SECRET_KEY={secrets.token_urlsafe(50)}",
            f"{side}FIELD_ENCRYPTION_KEYS={Fernet.generate_key().decode()}",
            f"{side}POSTGRES_PASSWORD={secrets.token_urlsafe(24)}",
        ]
    return made


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines())
