"""A zip for whoever helps: versions, settings, the doctor's findings and the last jobs, without secrets and people.

What goes in is chosen by name, and all of it is searched once more for what must never leave: secrets of the
configuration, tokens, keys, and e-mail addresses.
"""

from __future__ import annotations

import json
import platform
import re
import zipfile
from importlib.metadata import distributions
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, connection

from cloud.models import Intake
from config.env import env
from config.version import project_version
from enterprises.secrets import PREFIX, WrongEncryptionKey
from licensesync.models import SyncJob, SyncJobEvent

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from enterprises.doctor import Check

LAST = 100
REMOVED = "[removed]"
JOB_FIELDS = (
    "id", "kind", "slot", "state", "trigger", "created_at", "started_at", "finished_at", "not_before", "attempted_at",
    "attempts", "lease_until", "accounts", "part_count", "parts_sent", "bytes_sent", "opened_at", "commit_sent_at",
    "base_revision", "error_code",
)  # fmt: skip
INTAKE_FIELDS = (
    "id", "kind", "state", "opened_at", "finished_at", "expires_at", "lease_until", "opened_at_revision", "error_code",
)  # fmt: skip
_CODE = re.compile(r"[A-Za-z0-9_.:+-]{1,64}", re.ASCII)
_NEVER = re.compile(
    rf"{PREFIX}[\w-]+"
    r"|eyJ[\w-]+(?:\.[\w-]+)*"
    r"|gAAAA[\w=-]+"
    r"|-----BEGIN[^-]*-----.*?-----END[^-]*-----"
    r"|[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+"
    r"|(?i:bearer|token|basic) +[\w.~+/=-]{16,}",
    re.DOTALL,
)


def write_bundle(file: Path, checks: Iterable[Check]) -> None:
    """:raises OSError: the file cannot be written"""
    parts = {
        "doctor.json": [check.as_json() for check in checks],
        "versions.json": _versions(),
        "settings.json": _settings(),
        "jobs.json": _rows(),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, part in parts.items():
            text = json.dumps(part, indent=2, cls=DjangoJSONEncoder, ensure_ascii=False)
            bundle.writestr(name, redacted(text))


def redacted(text: str) -> str:
    """The text without what a secret or an e-mail address looks like, and without the configured secrets."""
    for secret in sorted(_configured_secrets(), key=len, reverse=True):
        text = text.replace(secret, REMOVED)
    return _NEVER.sub(REMOVED, text)


def _configured_secrets() -> set[str]:
    addresses = [settings.HTTPS_PROXY, *(env.text(name) for name in ("DATABASE_URL", "REDIS_URL", "EMAIL_URL"))]
    passwords = [urlsplit(address).password or "" for address in addresses]
    mail = str(getattr(settings, "EMAIL_HOST_PASSWORD", ""))
    keys = (
        settings.METRICS_TOKEN,
        settings.SECRET_KEY,
        *settings.SECRET_KEY_FALLBACKS,
        *settings.FIELD_ENCRYPTION_KEYS,
    )
    found = {*keys, mail, *passwords, *map(unquote, passwords)}
    plain = {str(secret) for secret in found if len(str(secret)) > 3}
    # The parts are JSON, in which a quotation mark is written with a backslash.
    return plain | {json.dumps(secret, ensure_ascii=False)[1:-1] for secret in plain}


def _versions() -> dict[str, Any]:
    packages = {found.metadata["Name"]: found.version for found in distributions()}
    return {
        "version": project_version(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "database": connection.display_name,
        "packages": dict(sorted(packages.items())),
    }


def _settings() -> dict[str, Any]:
    """Chosen by name; of what may hold a secret only whether it is set."""
    return {
        "LICENSESYNC_ROLE": settings.ROLE,
        "BASE_URL": settings.BASE_URL,
        "CLOUD_URLS": settings.CLOUD_URLS,
        "ALLOWED_HOSTS": settings.ALLOWED_HOSTS,
        "NO_PROXY": settings.NO_PROXY,
        "DNS_RESOLVERS": [f"{address} {port}" for address, port in settings.DNS_RESOLVERS],
        "TRUSTED_PROXIES": [str(network) for network in settings.TRUSTED_PROXIES],
        "HTTPS_PROXY is set": bool(settings.HTTPS_PROXY),
        "CA_BUNDLE is set": bool(settings.CA_BUNDLE),
        "EMAIL_URL is set": bool(env.text("EMAIL_URL")),
        "DATABASE_URL is set": bool(settings.DATABASE_URL),
        "METRICS_TOKEN is set": bool(settings.METRICS_TOKEN),
        "REDIS_URL is set": bool(settings.REDIS_URL),
        "FIELD_ENCRYPTION_KEYS": len(settings.FIELD_ENCRYPTION_KEYS),
    }


def _rows() -> dict[str, Any]:
    """The last jobs of both sides; a database in trouble costs these rows and not the bundle."""
    try:
        return {
            "jobs": list(SyncJob.objects.order_by("-pk").values(*JOB_FIELDS)[:LAST]),
            "events": [_event(event) for event in SyncJobEvent.objects.order_by("-pk")[:LAST]],
            "intakes": list(Intake.objects.order_by("-pk").values(*INTAKE_FIELDS)[:LAST]),
        }
    except (DatabaseError, WrongEncryptionKey) as error:
        return {"unread": type(error).__name__}


def _event(event: SyncJobEvent) -> dict[str, Any]:
    """Numbers and codes of its data; words are left out."""
    data = {name: value for name, value in event.data.items() if _is_harmless(value)}
    return {"job": event.job_id, "at": event.at, "event": event.event, "data": data}


def _is_harmless(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float) or bool(_CODE.fullmatch(str(value)))
