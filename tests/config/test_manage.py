"""The command line, as a shell uses it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from config.embedded import keep_address, kept_address
from config.management.commands.up import move_to
from tests.connect.connections import make_connected
from tests.licensesync.world import make_server

NOT_MADE = (
    "The database of this data folder is not made yet: start the console once with `make run` or run "
    "`manage.py migrate`.\n"
)


def test_output_that_nobody_reads_to_its_end_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "LICENSESYNC_DATA_DIR": str(tmp_path)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)

    assert (ended.stderr, ended.returncode) == ("", 141)


def test_command_beside_the_console_knows_its_address(tmp_path: Path) -> None:
    keep_address(tmp_path, "http://localhost:8300")

    told = subprocess.run(
        [sys.executable, "manage.py", "diffsettings"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "LICENSESYNC_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "BASE_URL = 'http://localhost:8300'" in told
    assert "CLOUD_URLS = ['http://localhost:8300']" in told


@pytest.mark.parametrize(("role", "follows"), [("both", "http://localhost:8302"), ("server", "http://localhost:8300")])
def test_servers_find_the_cloud_of_their_own_console_at_its_new_port(
    role: str, follows: str, tmp_path: Path, db: None
) -> None:
    own = make_connected(make_server(), "http://localhost:8300")
    other = make_connected(make_server(hostname="ghes2.octo.example"), "https://cloud.example")
    keep_address(tmp_path, "http://localhost:8300")

    with override_settings(DATA_DIR=tmp_path, ROLE=role):
        move_to("http://localhost:8302")

    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.cloud_url, other.cloud_url) == (follows, "https://cloud.example")
    assert kept_address(tmp_path) == "http://localhost:8302"


def test_database_that_is_not_made_yet_is_one_sentence(tmp_path: Path) -> None:
    told = manage({"LICENSESYNC_DATA_DIR": str(tmp_path)}, "create_user", "olivia")

    assert (told.stderr, told.returncode) == (NOT_MADE, 1)


@pytest.mark.postgres
def test_empty_database_of_postgresql_is_the_same_sentence(tmp_path: Path, transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE not_made")
    try:
        address = f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/not_made"
        told = manage(
            {
                "DATABASE_URL": address,
                "LICENSESYNC_DATA_DIR": str(tmp_path),
                "LICENSESYNC_ROLE": "server",
                "REDIS_URL": "redis://broker.example",
                "BASE_URL": "https://console.example",
                **{name: os.environ[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")},
            },
            *("create_user", "olivia"),
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE not_made WITH (FORCE)")

    assert (told.stderr, told.returncode) == (NOT_MADE, 1)


def test_other_error_of_the_database_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "licensesync.sqlite3").write_text("This is no database, and no table will be missed in it.")

    told = manage({"LICENSESYNC_DATA_DIR": str(tmp_path)}, "create_user", "olivia")

    assert "file is not a database" in told.stderr
    assert "not made yet" not in told.stderr


def manage(variables: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
