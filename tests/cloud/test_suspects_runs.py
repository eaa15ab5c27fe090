"""Searches: when one is due, what they keep of what was decided, and what happens when the books change meanwhile."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cloud import beat, services, tasks
from cloud.doctor import is_work_late
from cloud.models import Installation, Ledger, Suspect, SuspectRun, VerifiedDomain
from cloud.suspects import runs, searching
from enterprises.models import AuditEvent
from tests.cloud.books import NOW, connect, import_members, member, open_books, send
from wire.lines import make_line

MONA = "mona.lisa@octo.example"
MEMBERS = [
    member(number, login, emails=[{"email": f"{login}@octo.example", "verified": True}])
    for number, login in enumerate(["mona.lisa", "ada.king"], 1)
]
A_MINUTE = timedelta(minutes=1)
State, RunState = Suspect.State, SuspectRun.State


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    """One pair: Mona, and somebody who has her address besides."""
    import_members(ledger, *MEMBERS)
    server = connect(ledger, "ghes1.octo.example")
    sync(server, ("starwolf@gmail.com", [MONA]))
    return server


def sync(server: Installation, *accounts: tuple[str, list[str]]) -> None:
    send(server, [make_line(number, primary, others) for number, (primary, others) in enumerate(accounts, 1)])


def search(ledger: Ledger, at: datetime = NOW) -> SuspectRun:
    run, _is_new = runs.request(ledger, at)
    searching.search(run.pk, lambda: at)
    run.refresh_from_db()
    return run


def states() -> list[str]:
    return [suspect.state for suspect in Suspect.objects.order_by("pk")]


# What is kept.


def test_search_that_finds_the_same_again_writes_nothing(server: Installation) -> None:
    first = search(server.ledger)
    rows = list(Suspect.objects.values())

    again = search(server.ledger, NOW + A_MINUTE)

    assert list(Suspect.objects.values()) == rows
    assert [(run.listed, run.added, run.state) for run in (first, again)] == [(1, 1, "done"), (1, 0, "done")]


@pytest.mark.parametrize("state", [State.WAITING, State.DISMISSED])
def test_what_somebody_decided_stays_and_the_evidence_follows_the_books(
    server: Installation, state: Suspect.State
) -> None:
    search(server.ledger)
    Suspect.objects.update(state=state, awaited={"installation": 0})
    unverified = {"email": "starwolf@gmail.com", "verified": False}
    import_members(server.ledger, MEMBERS[0] | {"emails": [*MEMBERS[0]["emails"], unverified]}, MEMBERS[1])
    sync(server, ("starwolf@gmail.com", [MONA]), ("ada.king+x@octo.example", []))

    run = search(server.ledger)

    decided = Suspect.objects.earliest("pk")
    assert (states(), run.added) == ([state, State.OPEN], 1)
    assert [one["kind"] for one in decided.evidence] == ["secondary", "unverified"]
    assert (decided.found_at, decided.found_revision) == (NOW, 4)


def test_pair_that_nothing_speaks_for_any_more_is_gone_and_comes_back_with_its_evidence(server: Installation) -> None:
    search(server.ledger)
    sync(server, ("starwolf@gmail.com", []))
    search(server.ledger, NOW + A_MINUTE)
    gone = Suspect.objects.get()

    sync(server, ("starwolf@gmail.com", [MONA]))
    run = search(server.ledger, NOW + 2 * A_MINUTE)

    back = Suspect.objects.get()
    assert (gone.state, gone.first_key, gone.evidence, gone.closed_revision) == (State.GONE, "", [], 3)
    assert (back.pk, back.state, back.first_key, back.closed_revision) == (gone.pk, State.OPEN, "m:1", None)
    assert (back.found_at, back.evidence[0]["first"]["address"], run.added) == (NOW + 2 * A_MINUTE, MONA, 1)


def test_dismissed_pair_stays_so_though_its_people_left_and_came_again(server: Installation) -> None:
    search(server.ledger)
    Suspect.objects.update(state=State.DISMISSED)
    sync(server)
    search(server.ledger)
    left = Suspect.objects.get()

    sync(server, ("starwolf@gmail.com", [MONA]))
    run = search(server.ledger)

    back = Suspect.objects.get()
    assert (left.state, left.first_key, left.evidence) == (State.DISMISSED, "", [])
    assert (back.state, back.second_key, run.listed) == (State.DISMISSED, "a:starwolf@gmail.com", 0)


def test_pair_that_was_proved_once_may_be_found_again(server: Installation) -> None:
    search(server.ledger)
    Suspect.objects.update(state=State.CONFIRMED, licenses_freed=1)

    search(server.ledger)

    assert states() == [State.CONFIRMED, State.OPEN]


# When the books change meanwhile.


def change_while_searching(monkeypatch: pytest.MonkeyPatch, server: Installation, *, times: int) -> list[int]:
    """Another address comes each time before what was found is written."""
    write, attempts = searching._write, [0]

    def write_late(run: SuspectRun, clock: searching.Clock) -> bool:
        attempts[0] += 1
        if attempts[0] <= times:
            sync(server, (f"starwolf{attempts[0]}@gmail.com", [MONA]))
        return write(run, clock)

    monkeypatch.setattr(searching, "_write", write_late)
    return attempts


def test_search_begins_again_when_the_books_changed(server: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = change_while_searching(monkeypatch, server, times=2)

    run = search(server.ledger)

    server.ledger.refresh_from_db()
    assert (attempts, run.state, run.revision) == ([3], RunState.DONE, server.ledger.revision)
    assert [found.second_key for found in Suspect.objects.all()] == ["a:starwolf2@gmail.com"]


def test_search_of_books_that_never_rest_fails_and_the_next_tick_asks_anew(
    server: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_while_searching(monkeypatch, server, times=searching.MAX_ATTEMPTS)

    run = search(server.ledger)
    runs.start_due(NOW + A_MINUTE)

    assert (run.state, run.error) == (RunState.FAILED, "The books changed each time while they were searched.")
    assert not Suspect.objects.exists()
    assert SuspectRun.objects.filter(state=RunState.WAITING).exists()


def test_domain_that_comes_while_it_is_searched_is_a_reason_to_begin_again(
    server: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, attempts = searching._write, [0]

    def write_late(run: SuspectRun, clock: searching.Clock) -> bool:
        attempts[0] += 1
        VerifiedDomain.objects.get_or_create(ledger=server.ledger, domain="octo.example", verified_at=NOW)
        return write(run, clock)

    monkeypatch.setattr(searching, "_write", write_late)

    search(server.ledger)

    assert attempts == [2]


# Claims.


def test_search_of_a_killed_worker_is_taken_up_again(server: Installation) -> None:
    run, _is_new = runs.request(server.ledger, NOW)
    runs.claim(run.pk, NOW)

    searching.search(run.pk, lambda: NOW + A_MINUTE)
    run.refresh_from_db()
    meanwhile = run.state
    searching.search(run.pk, lambda: NOW + 2 * runs.LEASE)
    run.refresh_from_db()

    assert (meanwhile, run.state, run.claim) == (RunState.RUNNING, RunState.DONE, 2)


def test_search_that_kills_every_worker_fails_until_the_books_change(server: Installation) -> None:
    run, _is_new = runs.request(server.ledger, NOW)
    SuspectRun.objects.update(claim=runs.MAX_CLAIMS, lease_until=NOW - A_MINUTE, state=RunState.RUNNING)

    searching.search(run.pk, lambda: NOW)
    runs.start_due(NOW + A_MINUTE)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert not SuspectRun.objects.filter(state__in=SuspectRun.OPEN).exists()


def test_search_that_breaks_is_given_back_at_once(server: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _is_new = runs.request(server.ledger, NOW)
    monkeypatch.setattr(searching, "_weigh", lambda _run, _clock: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        searching.search(run.pk, lambda: NOW)

    assert list(runs.waiting(NOW)) == [run]


def test_search_says_how_far_it_is(server: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []
    advance = runs.advance

    def watched(run: SuspectRun, at: datetime, **progress: Any) -> None:
        advance(run, at, **progress)
        now = SuspectRun.objects.get()
        seen.append((now.step, now.done, now.total))

    monkeypatch.setattr(runs, "advance", watched)

    run = search(server.ledger)

    assert list(dict.fromkeys(step for step, _done, _total in seen)) == ["read", "compare", "weigh", "write"]
    assert all(done < total for _step, done, total in seen)
    assert (run.step, run.done, run.total) == ("write", 1, 1)


# When it is due.


def due(at: datetime = NOW + A_MINUTE) -> bool:
    runs.start_due(at)
    return SuspectRun.objects.filter(state=RunState.WAITING).exists()


def test_account_that_nobody_ever_came_to_is_not_searched(ledger: Ledger) -> None:
    assert not due()


def test_however_many_changes_are_one_search(server: Installation) -> None:
    runs.start_due(NOW)
    sync(server, ("other@gmail.com", [MONA]))
    runs.start_due(NOW)

    assert SuspectRun.objects.count() == 1


def test_searched_books_are_searched_again_when_they_change(server: Installation) -> None:
    search(server.ledger)
    assert not due()

    sync(server, ("other@gmail.com", [MONA]))
    assert due()


@pytest.mark.parametrize("how", ["verified", "approved", "gone", "rules"])
def test_domains_and_rules_are_a_reason_too(server: Installation, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    VerifiedDomain.objects.create(ledger=server.ledger, domain="octo.example", verified_at=NOW)
    VerifiedDomain.objects.create(ledger=server.ledger, domain="labs.example")
    search(server.ledger)
    assert not due()

    if how == "gone":
        VerifiedDomain.objects.filter(domain="octo.example").delete()
    elif how == "rules":
        monkeypatch.setattr(runs, "RULES", runs.RULES + 1)
    else:
        VerifiedDomain.objects.filter(domain="labs.example").update(**{f"{how}_at": NOW})
    assert due()


def test_long_search_rests_before_the_next(server: Installation) -> None:
    search(server.ledger)
    SuspectRun.objects.update(started_at=NOW - A_MINUTE, revision=1)

    assert not due(NOW + runs.REST * A_MINUTE - timedelta(seconds=1))
    assert due(NOW + runs.REST * A_MINUTE)


def test_tick_asks_for_it_and_wakes_a_worker(server: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []
    monkeypatch.setattr(tasks, "publish_search", woken.append)

    beat.tick()
    beat.tick()

    assert woken == [SuspectRun.objects.get().pk] * 2


def test_search_that_no_worker_takes_is_late(server: Installation) -> None:
    search(server.ledger)
    assert not is_work_late(NOW + timedelta(hours=1))

    runs.request(server.ledger, NOW)
    assert not is_work_late(NOW)
    assert is_work_late(NOW + timedelta(hours=1))


def test_tick_asks_as_often_for_many_accounts_as_for_one(server: Installation) -> None:
    def statements() -> int:
        for ledger in Ledger.objects.all():
            search(ledger)
        with CaptureQueriesContext(connection) as seen:
            runs.start_due(NOW + A_MINUTE)
        assert not SuspectRun.objects.filter(state=RunState.WAITING).exists()
        return len(seen)

    few = statements()
    for number in range(3):
        ledger = open_books(f"octo-{number}")
        VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=NOW)
        import_members(ledger, *MEMBERS)

    assert statements() == few


# On demand.


def test_request_is_audited_once(server: Installation) -> None:
    first = services.request_search(ledger=server.ledger, by=None, at=NOW)
    again = services.request_search(ledger=server.ledger, by=None, at=NOW)

    assert first == again
    assert AuditEvent.objects.filter(action="duplicate.search").count() == 1


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("find_duplicates", *arguments, stdout=out)
    return out.getvalue().strip()


def test_command_asks_and_says_where_it_stands(server: Installation) -> None:
    never = command("octo", "--status")
    asked = json.loads(command("octo", "--json"))
    waits = command("octo", "--status")

    found = command("octo", "--wait")
    told = json.loads(command("octo", "--status", "--json"))

    assert never == "octo was never searched."
    assert (asked["state"], asked["step"], asked["listed"]) == ("waiting", "", 0)
    assert waits == "The search of octo: Waiting for a worker. Not started, 0 of 0."
    assert found == "octo was searched at revision 2: 1 pairs are probably one person, 1 of them are new."
    assert (told["id"], told["state"], told["listed"], told["added"]) == (asked["id"], "done", 1, 1)


def test_command_says_why_it_failed(server: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    change_while_searching(monkeypatch, server, times=searching.MAX_ATTEMPTS)

    with pytest.raises(CommandError, match="The books changed each time"):
        command("octo", "--wait")
    assert "failed" in command("octo", "--status")
    with pytest.raises(CommandError, match="no cloud account 'nobody'"):
        command("nobody")
