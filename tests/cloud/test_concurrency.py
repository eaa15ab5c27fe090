"""Servers that commit at the same time, on real PostgreSQL: nobody is counted wrong under the one lock.

The control does the same without the lock, and shows that people are then counted wrong.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from cloud import applying, arriving, consumption, intake, matching, services
from cloud.locks import locked
from cloud.models import ConsumedLicense, Installation, Intake, IntakePart, Ledger
from cloud.staging import temporary_table
from tests.cloud.books import NOW, connect, lines_of, open_books, opening, parts_of, sync
from wire.messages import OpenSync

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SHARED = [(number, f"person.{number}@octo.example") for number in range(1, 301)]
MANY = 8


def _commit(installation: Installation) -> OpenSync:
    lines = lines_of(SHARED)
    opened = opening(installation, lines)
    intake.open_sync(installation, opened, NOW)
    intake.receive_part(installation, opened.sync_id, 1, parts_of(lines)[0], NOW)
    intake.commit(installation, opened.sync_id, NOW)
    return opened


def _counts(ledger: Ledger) -> set[int]:
    return set(ConsumedLicense.objects.filter(ledger=ledger).values_list("server_accounts", flat=True))


def _in_threads(*jobs: Callable[[], None]) -> None:
    """Run every job in a thread whose database connection is open before the first of them starts."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for done in [pool.submit(run, job) for job in jobs]:
            done.result()


def test_eight_servers_at_once_leave_nobody_wrong() -> None:
    ledger = open_books("octo")
    servers = [connect(ledger, f"ghes{number}.octo.example") for number in range(MANY)]
    for server in servers:
        _commit(server)
    pending = [server.intakes.get().pk for server in servers]

    _in_threads(*(lambda pk=pk: intake.apply(pk, lambda: NOW) for pk in pending))

    totals = consumption.totals(ledger)
    assert (totals.consumed, totals.server_seats, totals.revision) == (len(SHARED), MANY * len(SHARED), MANY)
    assert _counts(ledger) == {MANY}


def test_one_intake_in_eight_workers_is_applied_once() -> None:
    ledger = open_books("octo")
    server = connect(ledger, "ghes1.octo.example")
    _commit(server)
    pk = server.intakes.get().pk

    _in_threads(*(lambda: intake.apply(pk, lambda: NOW) for _worker in range(MANY)))

    server.refresh_from_db()
    assert (server.revision, server.accounts) == (1, len(SHARED))


@pytest.mark.parametrize(("is_locked", "expected"), [(True, {3}), (False, {2})], ids=["lock", "control"])
def test_forced_overlap_is_right_only_under_the_lock(is_locked: bool, expected: set[int]) -> None:
    ledger = open_books("octo")
    first, second, third = (connect(ledger, f"ghes{number}.octo.example") for number in range(3))
    sync(first, SHARED)

    _overlap(ledger, second, third, is_locked=is_locked)

    assert _counts(ledger) == expected


@pytest.mark.parametrize("end", ["gives_way", "disconnected"])
def test_part_that_comes_in_while_its_snapshot_ends_leaves_no_bytes(end: str) -> None:
    server = connect(open_books("octo"), "ghes1.octo.example")
    lines = lines_of(SHARED)
    opened = opening(server, lines)
    intake.open_sync(server, opened, NOW)
    has_come = threading.Event()

    def receive() -> None:
        with transaction.atomic():
            intake.receive_part(server, opened.sync_id, 1, parts_of(lines)[0], NOW)
            has_come.set()
            _wait_until_somebody_waits()

    def finish() -> None:
        has_come.wait(30)
        if end == "gives_way":
            intake.open_sync(server, opening(server, lines), NOW)
        else:
            services.disconnect_installation(installation=server, by=None, at=NOW)

    _in_threads(receive, finish)

    assert server.intakes.get(snapshot_id=opened.sync_id).state == Intake.State.EXPIRED
    assert not IntakePart.objects.exists()


def _overlap(ledger: Ledger, one: Installation, other: Installation, *, is_locked: bool) -> None:
    """Let one server switch, and hold its transaction open until the other one waits for it."""
    openings = {server.pk: _commit(server) for server in (one, other)}
    has_switched = threading.Event()

    def run(server: Installation, *, goes_first: bool) -> None:
        with _staged(server, openings[server.pk]):
            if not goes_first:
                has_switched.wait(30)
            with locked(ledger) if is_locked else transaction.atomic():
                applying._exchange(ledger, server, openings[server.pk], NOW, asks=False)
                if goes_first:
                    has_switched.set()
                    _wait_until_somebody_waits()

    _in_threads(lambda: run(one, goes_first=True), lambda: run(other, goes_first=False))


@contextmanager
def _staged(server: Installation, opened: OpenSync) -> Iterator[None]:
    with temporary_table(matching.INCOMING, matching.INCOMING_COLUMNS):
        arriving.stage_parts(server.intakes.get(), opened, still_mine=lambda: None)
        yield


def _wait_until_somebody_waits() -> None:
    pause = threading.Event()
    with connection.cursor() as cursor:
        for _attempt in range(1000):
            # Waits for this very connection: the other workers of the suite use the same PostgreSQL.
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
            if cursor.fetchone()[0]:
                return
            pause.wait(0.01)
    raise AssertionError("nobody waited for the lock")
