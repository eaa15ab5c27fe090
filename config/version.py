"""Which version of the console this is, and which tables it wants and finds."""

import tomllib
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from config.health import migrations_state

APPS = ("cloud", "connect", "enterprises", "licensesync")
"""Those whose tables are ours."""


def project_version() -> str:
    with (settings.BASE_DIR / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    return version


def newest_migrations() -> dict[str, str]:
    """The tables that this version wants: by app, its last migration."""
    return {app: name for app, name in sorted(MigrationLoader(None).graph.leaf_nodes()) if app in APPS}


def schema_state() -> str:
    """Whether the database has these tables; one that is not there yet is not made by asking."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite" and not Path(name).exists():
        return "not made"
    try:
        return migrations_state()
    except DatabaseError:
        return "unreachable"
