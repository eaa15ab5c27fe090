"""Searches when eight come at the same moment, and what would happen without each guard."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from django.db import connections

from cloud.models import ConsumedLicense, Ledger, Suspect, SuspectRun
from cloud.suspects import runs, searching
from tests.cloud.books import NOW, connect, import_members, member, open_books, send
from tests.support.races import THREADS, race, without_condition, without_unique
from wire.lines import make_line

if TYPE_CHECKING:
    from cloud.models import Installation

pytestmark = pytest.mark.django_db(transaction=True)

MONA = "mona.lisa@octo.example"
RUN = 'UPDATE "cloud_suspectrun"'
NEW_RUN = 'INSERT INTO "cloud_suspectrun"'
LATER = NOW + 2 * runs.LEASE
State = SuspectRun.State


@pytest.fixture
def ledger() -> Ledger:
    ledger = open_books("octo")
    import_members(ledger, member(1, "mona", emails=[{"email": MONA, "verified": True}]))
    sync(connect(ledger, "ghes1.octo.example"), "starwolf@gmail.com")
    return ledger


def sync(server: Installation, primary: str) -> None:
    send(server, [make_line(1, primary, [MONA])])


def request_eight(ledger: Ledger) -> int:
    """Eight owners and ticks ask for a search; return how many think that theirs is new."""
    return sum(is_new for _run, is_new in race(lambda _number: runs.request(ledger, NOW), before=NEW_RUN))


def test_of_eight_requests_one_is_a_search(ledger: Ledger) -> None:
    assert request_eight(ledger) == 1
    assert SuspectRun.objects.count() == 1


@pytest.mark.postgres
def test_without_the_constraint_they_are_eight(ledger: Ledger) -> None:
    with without_unique(SuspectRun, "suspect_run_open_once"):
        assert request_eight(ledger) == THREADS


def claim_eight(ledger: Ledger) -> list[int]:
    """The numbers of the claims of eight workers who come for one search."""
    run, _is_new = runs.request(ledger, NOW)
    return [taken.claim for taken in race(lambda _number: runs.claim(run.pk, NOW), before=RUN) if taken]


def test_one_of_eight_workers_takes_a_search(ledger: Ledger) -> None:
    assert claim_eight(ledger) == [1]


@pytest.mark.postgres
def test_without_the_condition_all_eight_take_it(ledger: Ledger) -> None:
    with without_condition(SuspectRun):
        assert len(claim_eight(ledger)) == THREADS


def claim_by_two(ledger: Ledger) -> list[int]:
    """A worker is paused while it takes a search, until after its lease; return its claim, and the next one's."""
    run, _is_new = runs.request(ledger, NOW)
    found: list[SuspectRun | None] = []
    race(
        lambda _number: found.append(runs.claim(run.pk, NOW)),
        before='SELECT "cloud_suspectrun"."id"',
        meanwhile=lambda: found.append(runs.claim(run.pk, LATER)),
    )
    return sorted(one.claim for one in found if one)


@pytest.mark.postgres
def test_two_workers_never_hold_the_same_claim(ledger: Ledger) -> None:
    assert claim_by_two(ledger) == [1, 2]


@pytest.mark.postgres
def test_without_the_transaction_they_do(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "transaction", SimpleNamespace(atomic=nullcontext))

    assert claim_by_two(ledger) == [2, 2]


def search_behind(ledger: Ledger) -> SuspectRun:
    """A worker stands before the books while its lease ends and another one comes to the end of the search."""
    run, _is_new = runs.request(ledger, NOW)
    race(
        lambda _number: searching.search(run.pk, lambda: NOW),
        before='FROM "cloud_ledger" .*FOR NO KEY UPDATE',
        meanwhile=lambda: searching.search(run.pk, lambda: LATER),
    )
    run.refresh_from_db()
    return run


@pytest.mark.postgres
def test_worker_that_was_overtaken_leaves_the_result(ledger: Ledger) -> None:
    assert search_behind(ledger).finished_at == LATER


@pytest.mark.postgres
def test_without_the_fence_it_overwrites_it(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "mine", lambda run: SuspectRun.objects.filter(pk=run.pk))

    assert search_behind(ledger).finished_at == NOW


def sync_behind(ledger: Ledger) -> None:
    """A search stands before the books while the person that it has found goes."""
    run, _is_new = runs.request(ledger, NOW)
    race(
        lambda _number: searching.search(run.pk, lambda: NOW),
        before='FROM "cloud_ledger" .*FOR NO KEY UPDATE',
        meanwhile=lambda: sync(ledger.installations.get(), "nightowl@gmail.com"),
    )


@pytest.mark.postgres
def test_nobody_is_listed_who_left_while_the_books_were_searched(ledger: Ledger) -> None:
    sync_behind(ledger)

    assert [found.second_key for found in Suspect.objects.all()] == ["a:nightowl@gmail.com"]
    assert SuspectRun.objects.get().state == State.DONE


@pytest.mark.postgres
def test_without_the_revision_who_left_is_listed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_is_current", lambda _run, _ledger: True)

    sync_behind(ledger)

    assert Suspect.objects.get().second_license_id not in ConsumedLicense.objects.values_list("pk", flat=True)


def test_sync_waits_for_no_search(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server comes to the end of its sync while a search is in the midst of its work, on either database."""
    weigh, syncs = searching._weigh, iter(["nightowl@gmail.com"])

    def sync_elsewhere(primary: str) -> None:
        try:
            sync(ledger.installations.get(), primary)
        finally:
            connections.close_all()

    def weigh_late(run: SuspectRun, clock: searching.Clock) -> None:
        with ThreadPoolExecutor(1) as pool:
            for primary in syncs:
                pool.submit(sync_elsewhere, primary).result(timeout=30)
        weigh(run, clock)

    monkeypatch.setattr(searching, "_weigh", weigh_late)
    run, _is_new = runs.request(ledger, NOW)

    searching.search(run.pk, lambda: NOW)

    assert [found.second_key for found in Suspect.objects.all()] == ["a:nightowl@gmail.com"]
