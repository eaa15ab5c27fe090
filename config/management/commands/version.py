"""Says which version runs, and on what."""

import json
import platform
import tomllib
from argparse import ArgumentParser
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection


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
        }
        if as_json:
            return json.dumps(facts)
        return "licensesync {version} ({role}), Python {python}, Django {django}, {database}".format(**facts)


def project_version() -> str:
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    return version
