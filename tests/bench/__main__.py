"""Start a database of its own, fill it, and print the stages of a sync beside the floor."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import django

from tests.support.services import Service, start_postgres, start_valkey

if TYPE_CHECKING:
    from tests.bench.cloud import Measured, Size


def main() -> None:
    """Measure, and say whether the books were right afterwards."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="licensesync-bench-"))
    services = _environment(folder, options.database)
    try:
        django.setup()
        from django.core.management import call_command

        from tests.bench.cloud import Size

        if options.database == "postgres":
            _create_database()
        call_command("migrate", verbosity=0)
        _measure(Size(options.accounts, options.servers, options.members), is_postgres=options.database == "postgres")
    finally:
        for service in services:
            service.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--database", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--accounts", type=int, default=200_000, help="of every server")
    parser.add_argument("--servers", type=int, default=5, help="the last one is measured, the others are held already")
    parser.add_argument("--members", type=int, default=250_000)
    return parser.parse_args()


def _environment(folder: Path, database: str) -> list[Service]:
    os.environ.update(
        DJANGO_SETTINGS_MODULE="config.settings", LICENSESYNC_ROLE="cloud", LICENSESYNC_DATA_DIR=str(folder)
    )
    os.environ.pop("DATABASE_URL", None)
    valkey, os.environ["REDIS_URL"] = start_valkey(folder)
    if database == "sqlite":
        return [valkey]
    postgres, os.environ["DATABASE_URL"] = start_postgres(folder)
    os.environ["SECRET_KEY"] = "only-for-the-bench-" * 4
    os.environ["FIELD_ENCRYPTION_KEYS"] = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmU="
    return [valkey, postgres]


def _create_database() -> None:
    from django.conf import settings
    from psycopg import connect, sql

    target = settings.DATABASES["default"]
    with connect(host=target["HOST"], user=target["USER"], dbname="postgres", autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(target["NAME"])))


def _measure(size: "Size", *, is_postgres: bool) -> None:
    from tests.bench import cloud

    ledger, before = cloud.open_world(size)
    _print("Filling", before)
    server = size.servers - 1
    installation = cloud.connect(ledger, server)
    received, first = cloud.sync(installation, server, size)
    _print(f"{size.accounts:,} accounts arrive for the first time", first.stages)
    _say(f"  received by the web process in {received:.2f} s; worker {_memory(first)}")
    floor = cloud.floor(installation) if is_postgres else {}
    if floor:
        _print("Floor", floor)
        _say(f"  {first.seconds / sum(floor.values()):.1f} times the floor")
    again = cloud.sync(installation, server, size, changed=1_000)[1]
    _print("The same server again, 1,000 accounts changed", again.stages)
    _say(f"  worker {_memory(again)}")
    if not cloud.is_right(ledger):
        sys.exit("A full recount found other numbers.")
    _say("A full recount finds the same numbers.")


def _memory(measured: "Measured") -> str:
    return f"{measured.seconds:.2f} s, {measured.memory:.0f} MB at most"


def _print(title: str, seconds: Mapping[str, float]) -> None:
    _say(f"{title}: {sum(seconds.values()):.2f} s")
    for stage, taken in seconds.items():
        _say(f"  {taken:7.2f} s  {stage}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
