"""What is kept of a pair goes with either person; that it was dismissed is remembered for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from cloud.models import Ledger, Suspect, SuspectRun
from cloud.retention import enforce
from tests.cloud.books import NOW, connect, import_members, member, sync
from tests.cloud.pairs import note_pair

MONA = member(1, "mona", emails=[{"email": "mona@octo.example", "verified": True}])
HUBOT = member(2, "hubot")
State = Suspect.State


def pair(ledger: Ledger, state: Suspect.State = State.OPEN) -> Suspect:
    """Mona of the cloud, and somebody of a server."""
    import_members(ledger, MONA, HUBOT)
    sync(connect(ledger, "ghes1.octo.example"), [(7, "mona@home.example")])
    ledger.refresh_from_db()
    return note_pair(ledger, "a:mona@home.example", "m:1", state=state)


def forgotten(suspect: Suspect) -> bool:
    suspect.refresh_from_db()
    kept = (suspect.first_key, suspect.second_key, suspect.first_license_id, suspect.second_license_id)
    return not any(kept) and not suspect.evidence and not suspect.fixes


@pytest.mark.parametrize(
    ("state", "then"),
    [(State.OPEN, State.GONE), (State.WAITING, State.GONE), (State.DISMISSED, State.DISMISSED)],
)
@pytest.mark.parametrize("who", ["first", "second"])
def test_pair_is_forgotten_with_either_person(
    ledger: Ledger, state: Suspect.State, then: Suspect.State, who: str
) -> None:
    found = pair(ledger, state)

    if who == "first":
        import_members(ledger, HUBOT)
    else:
        sync(ledger.installations.get(), [(8, "ada@octo.example")])

    assert forgotten(found)
    assert found.state == then
    ledger.refresh_from_db()
    assert found.closed_revision == (ledger.revision if then == State.GONE else None)


def test_pair_of_people_who_stay_stays(ledger: Ledger) -> None:
    found = pair(ledger)

    import_members(ledger, MONA)

    assert not forgotten(found)
    assert found.state == State.OPEN


@pytest.mark.parametrize(
    ("state", "kept_for"),
    [
        (State.GONE, timedelta(days=400)),
        (State.DISMISSED, timedelta(days=400)),
        (State.CONFIRMED, timedelta(days=5 * 366)),
    ],
)
def test_pair_that_is_over_goes_in_time(ledger: Ledger, state: Suspect.State, kept_for: timedelta) -> None:
    note = pair(ledger)
    Suspect.objects.update(state=state, first_key="", second_key="")

    enforce(NOW + kept_for - timedelta(hours=1))
    assert Suspect.objects.filter(pk=note.pk).exists()

    enforce(NOW + kept_for + timedelta(hours=1))
    assert not Suspect.objects.exists()


def test_dismissed_pair_of_people_who_are_there_is_remembered(ledger: Ledger) -> None:
    pair(ledger, State.DISMISSED)

    enforce(NOW + timedelta(days=4_000))

    assert Suspect.objects.exists()


def search(ledger: Ledger, at: datetime) -> SuspectRun:
    return SuspectRun.objects.create(
        ledger=ledger, state=SuspectRun.State.DONE, requested_at=at, started_at=at, finished_at=at
    )


def test_searches_go_after_30_days_but_the_last(ledger: Ledger) -> None:
    search(ledger, NOW)
    last = search(ledger, NOW + timedelta(minutes=1))

    enforce(NOW + timedelta(days=30, hours=1))

    assert list(SuspectRun.objects.all()) == [last]
