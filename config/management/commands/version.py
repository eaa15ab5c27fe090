"""Says which version runs, what it speaks and reads, and on what."""

import json
import platform
from argparse import ArgumentParser
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from config import archive
from config.version import newest_migrations, project_version, schema_state
from wire.messages import FORMATS


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
