"""Thousands of bent requests: none is answered with a 500, and none that is refused leaves anything behind.

A failure names its case, such as ``opening-17``; ``FUZZ_CASE=opening-17 pytest tests/fuzz/test_requests.py`` sends that
one alone. With the bent files of ``test_files.py`` they are ten thousand, and some of them go to PostgreSQL as well.
``FUZZ_TIMES=20`` sends so many times as many, for a night.
"""

from __future__ import annotations

import json
import logging
import os
import random
import resource
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import NoReturn

import pytest
from django.db import connection

from cloud import intake
from cloud.intake import IntakeRefused
from cloud.models import Installation
from enterprises.models import User
from tests.fuzz import api_requests, page_requests, test_files
from tests.fuzz.target import SYNCS, Sent, Target, make_target
from wire.messages import ErrorCode

Bend = Callable[[Target, random.Random], Sent]
# And how many of each. A page costs several times as much as an answer of the API.
KINDS: dict[Bend, int] = {
    api_requests.opening: 325,
    api_requests.part: 325,
    api_requests.commit: 350,
    api_requests.record: 300,
    api_requests.manifest: 250,
    api_requests.next_key: 150,
    api_requests.conversion: 250,
    api_requests.app_jwt: 325,
    api_requests.secret_token: 350,
    api_requests.query: 150,
    page_requests.header: 150,
    page_requests.cookie: 150,
    page_requests.address: 120,
    page_requests.form: 120,
    page_requests.consent: 150,
    page_requests.seats_file: 100,
    page_requests.members_file: 60,
}
# How many of the others there are once more, on PostgreSQL: there the databases differ, and the readers do not.
ONE_IN = {"sqlite": 1, "postgresql": 5}
TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
MOST_GROWTH_BYTES = 96 * 1024 * 1024


@pytest.fixture
def target(owner: User, billing_manager: User, stranger: User) -> Iterator[Target]:
    # Every refusal is logged as it should be; here that would be ten thousand records.
    logging.disable(logging.WARNING)
    yield make_target(owner, billing_manager, stranger)
    logging.disable(logging.NOTSET)


def test_there_are_as_many_as_promised() -> None:
    assert sum(KINDS.values()) + test_files.READ + test_files.IMPORTED >= 10_000


@pytest.mark.parametrize("bend", KINDS, ids=lambda bend: bend.__name__)
def test_bent_requests(bend: Bend, target: Target) -> None:
    refused = 0
    before = most_memory()

    for number in range(TIMES * KINDS[bend] // ONE_IN[connection.vendor]):
        case = f"{bend.__name__}-{number}"
        if os.environ.get("FUZZ_CASE", case) != case:
            continue
        try:
            status = target.check(bend(target, random.Random(case)), number)
        except Exception as error:
            error.add_note(f"FUZZ_CASE={case}")
            raise
        refused += status >= HTTPStatus.BAD_REQUEST

    # What nobody refuses was not bent.
    assert refused or "FUZZ_CASE" in os.environ
    assert most_memory() - before < MOST_GROWTH_BYTES


def test_half_written_row_would_be_noticed(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_and_refuse(installation: Installation, _opening: object, _at: object) -> NoReturn:
        Installation.objects.filter(pk=installation.pk).update(version="half")
        raise IntakeRefused(ErrorCode.SUPERSEDED)

    monkeypatch.setattr(intake, "open_sync", write_and_refuse)
    sent = api_requests.by_server(target, "POST", SYNCS, json.dumps(target.opening).encode())

    with pytest.raises(AssertionError, match="left something behind"):
        target.check(sent, 1)


def most_memory() -> int:
    """The most that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
