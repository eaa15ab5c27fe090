"""What a failure means, and how long a failed job waits before it is tried again."""

import errno
import itertools
import sqlite3

import psycopg.errors
import pytest
from django.db import DatabaseError, OperationalError
from pytest_django import Settings

from connect.failures import CloudUnavailable
from licensesync.failures import way_to
from licensesync.syncing.outcomes import backoff, outcome_of


def test_pauses_double_up_to_four_hours_and_differ_between_jobs() -> None:
    hours = [backoff(1, attempts).total_seconds() / 3600 for attempts in range(1, 30)]

    assert 0.75 / 60 <= hours[0] <= 1.25 / 60
    assert all(later > 1.1 * earlier for earlier, later in itertools.pairwise(hours[:8]))
    assert all(3 <= hour <= 5 for hour in hours[9:])
    assert len({backoff(job, 5) for job in range(50)}) > 40


def _sqlite_full() -> Exception:
    """The real error of a database that may not grow."""
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA max_page_count = 2")
    with pytest.raises(sqlite3.OperationalError) as full:
        connection.executescript("CREATE TABLE a (b); CREATE TABLE c (d); CREATE TABLE e (f); CREATE TABLE g (h);")
    connection.close()
    return full.value


def _raised(kind: type[Exception], cause: Exception | None = None) -> Exception:
    """As Django hands a driver's error on."""
    with pytest.raises(kind) as raised:
        raise kind("no") from cause
    return raised.value


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (_raised(OperationalError, _sqlite_full()), "disk_full"),
        (_raised(OperationalError, psycopg.errors.DiskFull()), "disk_full"),
        (_raised(OperationalError), "database_unreachable"),
        (_raised(DatabaseError), "internal_error"),
        (OSError(errno.EACCES, "Permission denied"), "internal_error"),
        (ZeroDivisionError(), "internal_error"),
    ],
    ids=repr,
)
def test_trouble_of_this_machine_is_told_apart(error: Exception, code: str) -> None:
    assert outcome_of(error).code == code


def test_wait_that_the_cloud_asks_for_is_kept() -> None:
    outcome = outcome_of(CloudUnavailable("rate_limited", 900))

    assert (outcome.code, outcome.retry_after.total_seconds()) == ("rate_limited", 900)


def test_way_to_the_cloud_is_told_without_the_password_of_its_proxy(settings: Settings) -> None:
    settings.HTTPS_PROXY = "http://octo:planted@proxy.example:3128"

    told = way_to("https://cloud.example", "proxy_auth")

    assert told == "The cloud is cloud.example, reached through the proxy proxy.example:3128 of HTTPS_PROXY."
    assert way_to("https://cloud.example", "installation_gone") == ""
