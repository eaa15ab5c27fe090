"""What a start spends no time on."""

import gc

import pytest
from django.core.management import get_commands, load_command_class

from config.apps import GARBAGE_THRESHOLD

APPS = {"config", "enterprises", "connect", "licensesync", "cloud"}


@pytest.mark.parametrize(("command", "app"), [(name, app) for name, app in get_commands().items() if app in APPS])
def test_command_checks_no_pages(command: str, app: str) -> None:
    assert load_command_class(app, command).requires_system_checks == ()


def test_garbage_is_looked_for_again_and_not_in_what_stays() -> None:
    assert gc.isenabled()
    assert gc.get_threshold()[0] == GARBAGE_THRESHOLD
    assert gc.get_freeze_count() > 100_000
