"""Django's settings for the services that one address names each: database, broker, mail."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import dj_database_url

from config.env import Misconfigured


def database_settings(url: str) -> dict[str, Any]:
    """PostgreSQL; a connection is kept for a minute and looked at before it is used again."""
    try:
        settings: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except ValueError as error:
        raise Misconfigured(f"DATABASE_URL is malformed: {error}.") from error
    if settings.get("ENGINE") != "django.db.backends.postgresql" or not settings.get("NAME"):
        raise Misconfigured("DATABASE_URL must be an address such as postgres://user:password@host:5432/licensesync.")
    settings.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    return settings


def broker_addresses(url: str) -> tuple[str, str]:
    """The same broker as Celery and as Django's cache write it; ``unix:///path?db=0`` is a socket."""
    parts = urlsplit(url)
    if parts.scheme == "unix" and parts.path:
        number = parse_qs(parts.query).get("db", ["0"])[-1]
        return f"redis+socket://{parts.path}?virtual_host={number}", f"unix://{parts.path}?db={number}"
    if parts.scheme in {"redis", "rediss"} and parts.hostname:
        return url, url
    raise Misconfigured("REDIS_URL must be an address such as redis://host:6379/0.")


def mail_settings(url: str, fallback_folder: Path) -> dict[str, object]:
    """Django's mail settings for ``smtp://user:password@host:port?tls=true&from=a@b`` or ``smtps://...``.

    Without an address mail is written to files, so that nobody's first start needs a mail server.
    """
    if not url:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(fallback_folder),
        }
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Misconfigured(f"EMAIL_URL is malformed: {error}.") from error
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise Misconfigured("EMAIL_URL must be an address such as smtp://user:password@mail.example:587?tls=true.")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    mail: dict[str, object] = {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": options.get("tls", "").lower() in {"1", "true", "yes"},
        "EMAIL_TIMEOUT": 10,
    }
    if "from" in options:
        mail["DEFAULT_FROM_EMAIL"] = mail["SERVER_EMAIL"] = options["from"]
    return mail
