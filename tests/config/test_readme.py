"""The README names what there is."""

from pathlib import Path

import pytest
from django.core.management import get_commands

OURS = {"cloud", "config", "connect", "enterprises", "licensesync"}
OF_MAKE = {"seed_demo", "up"}


def test_readme_names_every_command_for_scripts_and_operators(request: pytest.FixtureRequest) -> None:
    readme = (Path(request.config.rootpath) / "README.md").read_text(encoding="utf-8")

    ours = {name for name, app in get_commands().items() if app in OURS}

    assert {name for name in ours - OF_MAKE if f"`{name}`" not in readme} == set()
