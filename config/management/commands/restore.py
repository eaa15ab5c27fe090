"""Puts a backup in place of what is there, whole or not at all."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.loader import MigrationLoader

from config import archive, postgres_copy, sqlite_copy
from config.archive import BackupInvalid, Manifest
from config.embedded import generated_files_in_use, keep_generated
from config.management.commands.up import lock
from enterprises.commands import ReportingCommand
from enterprises.models import Enterprise, User
from enterprises.secrets import WrongEncryptionKey


class Command(ReportingCommand):
    """The console must not run meanwhile."""

    help = "Put a backup in place of this installation, which must be empty unless --force is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="what `backup` wrote")
        parser.add_argument("--force", action="store_true", help="also in place of people and enterprises")

    def handle(self, *, file: Path, force: bool, json: bool, **_options: Any) -> None:
        settings.DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock(settings.DATA_DIR), TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as folder:
            if not force and is_in_use():
                raise CommandError(
                    "There are people or enterprises here already: --force puts the backup in their place."
                )
            try:
                manifest, files = archive.read(file, Path(folder))
                put_back(manifest, files)
            except (BackupInvalid, WrongEncryptionKey) as error:
                raise CommandError(f"{file} was not restored, and nothing has changed. {error}") from error
            except (OperationalError, sqlite_copy.Busy) as error:
                raise CommandError(
                    f"{file} was not restored, and nothing has changed: stop web, workers and beat first ({error})."
                ) from error
            except DatabaseError as error:
                raise CommandError(
                    f"{file} was not restored, and nothing has changed: the database refused it ({error})."
                ) from error
        self.report(
            f"Restored the backup of {manifest.created_at} (version {manifest.version}). Start the console again.",
            as_json=json,
            created_at=manifest.created_at,
            version=manifest.version,
            database=manifest.database,
        )


def is_in_use() -> bool:
    """Whether anybody would lose something; a database without tables is empty."""
    tables = connection.introspection.table_names()
    return any(model._meta.db_table in tables and model._default_manager.exists() for model in (User, Enterprise))


def put_back(manifest: Manifest, files: Mapping[str, Path]) -> None:
    """:raises BackupInvalid: it belongs to another kind of installation"""
    if manifest.database != connection.vendor:
        raise BackupInvalid(f"It is of {manifest.database}, and this installation uses {connection.vendor}.")
    if manifest.role != settings.ROLE:
        raise BackupInvalid(f"It is of the role {manifest.role}, and this installation is {settings.ROLE}.")
    leaves = last_migrations(manifest)
    if manifest.database != "sqlite":
        tables = {name.removeprefix("tables/"): path for name, path in files.items() if name.startswith("tables/")}
        postgres_copy.restore(tables, columns=manifest.columns, leaves=leaves)
        return
    if archive.DATABASE not in files:
        raise BackupInvalid("It holds no database.")
    put_sqlite_back(files)


def put_sqlite_back(files: Mapping[str, Path]) -> None:
    """First the keys of both, then the database, then its own keys alone: at no moment is a secret without its key."""
    current = list(settings.FIELD_ENCRYPTION_KEYS)
    in_use = {path.name for path in generated_files_in_use(settings.DATA_DIR, settings.SECRET_KEY, current)}
    ours = {name.removeprefix("keys/"): path.read_text("ascii") for name, path in files.items() if "keys/" in name}
    own = ours["field_encryption_keys"].split() if {"field_encryption_keys"} <= in_use & set(ours) else []
    if own:
        keep_generated(settings.DATA_DIR, "field_encryption_keys", " ".join([*own, *current]))
    try:
        sqlite_copy.restore(files[archive.DATABASE], own or current)
    except BaseException:
        if own:
            keep_generated(settings.DATA_DIR, "field_encryption_keys", " ".join(current))
        raise
    for name in in_use & set(ours):
        keep_generated(settings.DATA_DIR, name, ours[name])


def last_migrations(manifest: Manifest) -> list[tuple[str, str]]:
    """The last migration of each app that the backup knows.

    :raises BackupInvalid: it knows one that this version does not
    """
    graph = MigrationLoader(None).graph
    known = {(app, name) for app, name in manifest.migrations}
    if not known or known - set(graph.nodes):
        raise BackupInvalid(f"It was made by version {manifest.version}, which is newer than this one: update first.")
    return [
        key
        for key in sorted(known)
        if not any(child.key in known and child.key[0] == key[0] for child in graph.node_map[key].children)
    ]
