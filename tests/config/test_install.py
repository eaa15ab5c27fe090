"""The first thing that runs on a fresh machine: it must be read by any Python 3, and do nothing twice."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config import generated_secrets
from config.env import Environment, check_encryption_keys

INSTALLER = settings.BASE_DIR / "config" / "install.py"


def test_installer_is_read_by_an_old_python() -> None:
    tree = ast.parse(INSTALLER.read_text(), feature_version=(3, 7))

    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names | {"importlib.util"}


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    helped = subprocess.run(["make", "help"], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True).stdout

    assert {"install", "run", "test", "lint", "bench", "two-hosts", "messages"} <= set(
        re.findall(r"make ([a-z-]+)", helped)
    )


def test_missing_python_is_said_in_one_sentence() -> None:
    refused = subprocess.run(
        ["make", "install", "PYTHON=no-such-python"], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )

    assert refused.returncode != 0
    assert refused.stderr.startswith("There is no no-such-python: install Python 3.11 or newer.\n")


def test_requirements_name_no_index_and_pin_everything() -> None:
    for path in settings.BASE_DIR.glob("requirements*.txt"):
        text = path.read_text()
        packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]

        assert "://" not in text
        assert "--index" not in text
        assert packages
        assert all("==" in line for line in packages)
        assert text.count("--hash=sha256:") >= len(packages)


def test_development_installs_the_versions_that_run() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (settings.BASE_DIR / name).read_text(), re.MULTILINE))

    assert pins("requirements.txt") <= pins("requirements-dev.txt")


def test_secrets_for_compose_are_valid_and_new_each_time(tmp_path: Path) -> None:
    generated_secrets.write(tmp_path / "secrets")
    first = {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}
    second = generated_secrets.files()

    check_encryption_keys([first["field_encryption_keys"], first["cloud_field_encryption_keys"]])
    assert first.keys() == second.keys()
    assert set(first.values()) & set(second.values()) == {""}
    assert {name for name, content in first.items() if not content} == {
        "secret_key_fallbacks",
        "cloud_secret_key_fallbacks",
    }
    assert first["postgres_password"] in first["database_url"]
    assert Environment(first).bearer_token("metrics_token") == first["metrics_token"]
    assert generated_secrets.write(tmp_path / "secrets") == []
    assert first == {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}
    assert len(first["secret_key"]) >= 50


def test_secrets_that_a_newer_version_wants_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    generated_secrets.write(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    (tmp_path / "metrics_token").unlink()

    generated_secrets.write(tmp_path)

    after = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"metrics_token"}


def test_password_of_the_database_is_not_made_apart_from_its_address(tmp_path: Path) -> None:
    generated_secrets.write(tmp_path)
    (tmp_path / "postgres_password").unlink()

    with pytest.raises(SystemExit, match="belong together"):
        generated_secrets.write(tmp_path)
