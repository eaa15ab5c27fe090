"""Says which version runs, what it speaks and reads, and on what."""

import json
import platform
import tomllib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from config import archive
from config.health import migrations_state
from wire.messages import FORMATS

ROOMS = ("cloud", "connect", "enterprises", "licensesync")


class Command(BaseCommand):
    """One line for people, or an object for machines."""

    help = "Prints the version of the console, and of what it runs on."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *, as_json: bool, **_options: Any) -> str:
        facts = {
            "version": project_version(),
            "role": settings.ROLE,
            "python": platform.python_version(),
            "django": django.get_version(),
            "database": connection.display_name,
            "wire_formats": list(FORMATS),
            "backup_format": archive.FORMAT,
            "schema": newest_migrations(),
            "schema_state": schema_state(),
        }
        if as_json:
            return json.dumps(facts)
        schema = ", ".join(f"{app} {name}" for app, name in newest_migrations().items())
        return (
            "licensesync {version} ({role}), Python {python}, Django {django}, {database}\n"
            "wire formats {wire_formats}, backup format {backup_format}\n"
            "schema {names}: {schema_state}"
        ).format(**facts | {"wire_formats": ", ".join(map(str, FORMATS)), "names": schema})


def project_version() -> str:
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    return version


def newest_migrations() -> dict[str, str]:
    """The tables that this version wants: by app, its last migration."""
    return {app: name for app, name in sorted(MigrationLoader(None).graph.leaf_nodes()) if app in ROOMS}


def schema_state() -> str:
    """Whether the database has these tables; one that is not there yet is not made by asking."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).exists():
        return "not made"
    try:
        return migrations_state()
    except DatabaseError:
        return "unreachable"
