"""Every program of the project ends with one sentence where its keys do not open what is stored."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.console import ROOT, Console
from tests.support.migrated import put_migrated_database

SENTENCE = "FIELD_ENCRYPTION_KEYS holds no key that opens"
CELERY = ("-m", "celery", "--app", "config", "--quiet")
PROGRAMS = {
    "up": ("manage.py", "up", "--no-demo", "--port", "PORT"),
    "web": ("-m", "gunicorn", "--config", "python:config.gunicorn", "--bind", "127.0.0.1:PORT", "config.wsgi"),
    "worker": (*CELERY, "worker"),
    "beat": (*CELERY, "beat", "--schedule", "SCHEDULE"),
    "command": ("manage.py", "license_sync", "octo", "now"),
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Console:
    """An installation with one secret, that does not run, and is then given another key."""
    console = Console(tmp_path_factory.mktemp("keys"))
    put_migrated_database(console.folder / "data")
    assert console.manage("create_enterprise", "octo", "--deployment", "server").returncode == 0
    # The web misses the static files, which only `up` collects, with a warning of its own.
    (console.folder / "data" / "static").mkdir()
    console.variables["FIELD_ENCRYPTION_KEYS"] = Fernet.generate_key().decode()
    return console


@pytest.mark.parametrize("program", PROGRAMS)
def test_wrong_key_is_one_sentence_at_start(program: str, stored: Console, tmp_path: Path) -> None:
    words = [
        word.replace("PORT", str(stored.port)).replace("SCHEDULE", str(tmp_path / "beat")) for word in PROGRAMS[program]
    ]
    environment = {**stored.environment, "REDIS_URL": os.environ["LICENSESYNC_TEST_VALKEY"] + "?db=15"}

    ended = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False
    )

    assert ended.returncode != 0
    assert SENTENCE in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
