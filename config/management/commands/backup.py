"""Writes everything that the installation is into one file."""

from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone

from config import archive, postgres_copy, sqlite_copy
from config.embedded import generated_files_in_use
from config.version import project_version
from enterprises.commands import ReportingCommand


class Command(ReportingCommand):
    """As of one moment, while the console may run."""

    help = "Write the database, and the keys where they were generated, into one file; the console may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", type=Path, help="a file that does not exist yet, such as 2026-01-31.tar.gz")

    def handle(self, *, file: Path, json: bool, **_options: Any) -> None:
        if file.exists():
            raise CommandError(f"{file} exists already: name a new file.")
        try:
            with TemporaryDirectory(dir=file.parent, prefix=".backup-") as folder:
                facts, files = gather(Path(folder))
                archive.write(file, facts, files)
        except OSError as error:
            raise CommandError(f"The backup could not be written: {error}.") from error
        has_keys = any(name.startswith("keys/") for name in files)
        size = file.stat().st_size
        line = f"Wrote {file} ({size} bytes)."
        line += " It holds the keys: keep it as you keep a password." if has_keys else ""
        line += "" if has_keys else " SECRET_KEY and FIELD_ENCRYPTION_KEYS are not in it: keep them too."
        self.report(line, as_json=json, file=str(file), bytes=size, has_keys=has_keys, database=facts["database"])


def gather(folder: Path) -> tuple[dict[str, Any], dict[str, Path]]:
    """What the manifest says, and the files of the members."""
    facts: dict[str, Any] = {
        "version": project_version(),
        "role": settings.ROLE,
        "created_at": timezone.now().isoformat(),
        "database": connection.vendor,
    }
    if connection.vendor == "sqlite":
        copy = folder / archive.DATABASE
        sqlite_copy.dump(copy)
        facts["migrations"] = sqlite_copy.applied_migrations(copy)
        files = {archive.DATABASE: copy}
    else:
        facts["migrations"], facts["columns"] = postgres_copy.dump(folder)
        files = {f"tables/{table}": folder / table for table in facts["columns"]}
    keys = generated_files_in_use(settings.DATA_DIR, settings.SECRET_KEY, settings.FIELD_ENCRYPTION_KEYS)
    return facts, {f"keys/{path.name}": path for path in keys} | files
