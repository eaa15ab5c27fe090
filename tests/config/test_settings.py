"""Settings that follow from others, and the checks of a deployment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from tests.config.test_env import PRODUCTION

ASK = "from django.conf import settings; print({expression})"


def ask(folder: Path, expression: str, **variables: str) -> str:
    """What a process with these variables only takes the expression to be."""
    return subprocess.run(
        [sys.executable, "-c", ASK.format(expression=expression)],
        cwd=settings.BASE_DIR,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LICENSESYNC_DATA_DIR": str(folder),
            **variables,
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


@pytest.mark.parametrize("role", ["server", "cloud"])
def test_beat_wakes_only_the_side_that_is_served(tmp_path: Path, role: str) -> None:
    expression = "sorted(entry['task'] for entry in settings.CELERY_BEAT_SCHEDULE.values())"
    task = {"server": "licensesync.tick", "cloud": "cloud.tick"}[role]

    assert ask(tmp_path, expression, LICENSESYNC_ROLE=role) == str([task])


def test_two_consoles_on_one_machine_have_their_own_cookies(tmp_path: Path) -> None:
    expression = "settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME"

    assert ask(tmp_path, expression, BASE_URL="http://localhost:1") != ask(
        tmp_path, expression, BASE_URL="http://localhost:2"
    )


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    expression = "settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE, settings.SECURE_HSTS_SECONDS > 0"

    assert ask(tmp_path, expression, **PRODUCTION) == "True True True"
    assert ask(tmp_path, expression) == "False False False"


def test_both_sides_on_one_machine_connect_to_themselves(tmp_path: Path) -> None:
    assert ask(tmp_path, "settings.CLOUD_URLS", BASE_URL="http://localhost:9") == "['http://localhost:9']"


def test_a_part_of_a_sync_fits_into_a_request() -> None:
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE == 1024 * 1024


def test_static_files_can_be_collected_with_their_manifest(tmp_path: Path) -> None:
    assert ask(tmp_path, "settings.STORAGES['staticfiles']['BACKEND']").endswith("ManifestStaticFilesStorage")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "LICENSESYNC_DATA_DIR": str(tmp_path)},
        check=True,
    )

    assert (tmp_path / "static" / "staticfiles.json").is_file()


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
