"""Prepares the suite: its own data folder, Valkey and database, and sockets that stay shut unless a test needs them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.utils import translation

from tests.support import covered
from tests.support.migrated import migrated_in_memory
from tests.support.services import Service, start_postgres, start_valkey

# Set here and not in pyproject.toml: the settings are read once, and only after the services below have started.
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
# Playwright keeps an event loop in the thread that also asks the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

pytest_plugins = ["tests.fixtures", "tests.support.browser"]

# Variables of whoever runs the suite must not change what it tests.
_OURS = (
    "ALIVE_FILE", "ALLOWED_HOSTS", "BASE_URL", "CA_BUNDLE", "CLOUD_URLS", "DATABASE_URL", "DNS_RESOLVERS", "EMAIL_URL",
    "FIELD_ENCRYPTION_KEYS", "HTTPS_PROXY", "LICENSESYNC_DATA_DIR", "LICENSESYNC_ROLE", "LICENSESYNC_TOKEN",
    "LOG_FORMAT", "METRICS_TOKEN", "NO_PROXY", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "TRUSTED_PROXIES",
)  # fmt: skip
LOOPBACK = ["127.0.0.1", "::1"]
# Folders whose tests are marked as a whole; all of them may use loopback, and take their time.
_FOLDER_MARKS = {
    folder: mark
    for mark, folders in {"browser": ("browser", "journey"), "processes": ("processes", "proxies", "faults")}.items()
    for folder in folders
}

_services: list[Service] = []


def pytest_configure(config: pytest.Config) -> None:
    """Starts the services once, in the process that the workers inherit their environment from."""
    worker: dict[str, str] | None = getattr(config, "workerinput", None)
    if worker is None:
        _start_services()
    number = int(worker["workerid"].removeprefix("gw")) + 1 if worker else 0
    os.environ["REDIS_URL"] = f"{os.environ['LICENSESYNC_TEST_VALKEY']}?db={number % 16}"
    _relax_settings()


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    while _services:
        _services.pop().stop()
    shutil.rmtree(os.environ["LICENSESYNC_DATA_DIR"], ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks by folder; on PostgreSQL keeps only what can depend on the kind of database; puts the long ones first."""
    tests = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(tests).parts[0] if item.path.is_relative_to(tests) else ""
        if folder in _FOLDER_MARKS:
            item.add_marker(_FOLDER_MARKS[folder])
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
            item.add_marker(pytest.mark.timeout(300))
    is_postgres = _database() == "postgres"
    wanted = [item for item in items if (_depends_on_database(item) if is_postgres else _runs_on_sqlite(item))]
    if is_postgres:
        needless = covered.left_out(wanted)
        wanted = [item for item in wanted if item not in needless]
    if len(wanted) < len(items):
        left_out = set(items) - set(wanted)
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    # At the end of a run nobody then waits for one worker that has just begun a test of a minute.
    items[:] = sorted(wanted, key=_starts_late)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Groups share processes that take seconds to start: a test is in its group only if its id says so."""
    mark = item.get_closest_marker("xdist_group")
    if mark and item.config.getoption("loadgroup", default=False) and not item.nodeid.endswith(f"@{mark.args[0]}"):
        pytest.fail(f"pytest-xdist does not keep this test in its group {mark.args[0]!r}.")


@pytest.fixture(autouse=True)
def _no_memory_of_other_tests() -> Iterator[None]:
    """What one test counted (attempts to sign in, for one) does not slow the next one down, and its language goes."""
    yield
    cache.clear()
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Where pytest-django is about to make the database of a worker."""
    with migrated_in_memory():
        yield


@pytest.fixture(scope="session", autouse=True)
def _cheap_ends() -> Iterator[None]:
    """After a test with real transactions only rows go, where Django would make every table and permission anew."""
    from django.test import TransactionTestCase

    from tests.support.tables import empty_tables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: empty_tables())
        yield


def _database() -> str:
    kind = os.environ.get("LICENSESYNC_TEST_DATABASE", "sqlite")
    if kind not in {"sqlite", "postgres"}:
        raise pytest.UsageError(f"LICENSESYNC_TEST_DATABASE must be sqlite or postgres, not {kind!r}.")
    return kind


def _starts_late(item: pytest.Item) -> int:
    """What starts processes, then what drives a browser, then everything else."""
    marks = ("processes", "browser")
    return next((place for place, mark in enumerate(marks) if item.get_closest_marker(mark)), len(marks))


def _runs_on_sqlite(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgres") is None


def _depends_on_database(item: pytest.Item) -> bool:
    if any(item.get_closest_marker(mark) for mark in ("browser", "processes", "sqlite")):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or bool(fixtures & {"db", "transactional_db"})


def _start_services() -> None:
    for name in _OURS:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    folder = Path(tempfile.mkdtemp(prefix="licensesync-tests-"))
    os.environ["LICENSESYNC_DATA_DIR"] = str(folder)
    os.environ["LICENSESYNC_ROLE"] = "both"
    valkey, os.environ["LICENSESYNC_TEST_VALKEY"] = start_valkey(folder)
    _services.append(valkey)
    if _database() == "postgres":
        postgres, os.environ["DATABASE_URL"] = start_postgres(folder)
        _services.append(postgres)
        os.environ["SECRET_KEY"] = "only-for-the-suite-" * 4
        os.environ["FIELD_ENCRYPTION_KEYS"] = "c3VpdGUtc3VpdGUtc3VpdGUtc3VpdGUtc3VpdGUtc3U="


def _relax_settings() -> None:
    """Cheap passwords, and static files straight from where they lie."""
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0
    # They are read. A worker that inherited the variable would read its own too early, before it has its own Valkey.
    del os.environ["DJANGO_SETTINGS_MODULE"]
