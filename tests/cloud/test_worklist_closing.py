"""An entry is confirmed where the two became one by a sync or an import, in its transaction, and by nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from cloud import services
from cloud.models import ConsumedLicense, Installation, Ledger, Saving, Suspect
from cloud.retention import enforce
from cloud.suspects.evidence import Fix
from cloud.suspects.identity import identity_of
from cloud.worklist import acting
from cloud.worklist.savings import proved
from tests.cloud.books import NOW, connect, import_members, member, ndjson, sync
from tests.cloud.pairs import note_pair

State = Suspect.State
MONA = member(1, "mona", emails=[{"email": "mona@octo.example", "verified": True}])
HUBOT = member(2, "hubot", emails=[{"email": "hubot@octo.example", "verified": True}])


@pytest.fixture
def ghes1(ledger: Ledger) -> Installation:
    """Mona under another address, and Ada."""
    import_members(ledger, MONA, HUBOT)
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [(1, "ada@octo.example"), (7, "mona@home.example")])
    ledger.refresh_from_db()
    return server


def state(suspect: Suspect) -> tuple[str, int]:
    suspect.refresh_from_db()
    return suspect.state, suspect.licenses_freed


def savings(ledger: Ledger) -> list[tuple[str, int, int, int, int]]:
    found = Saving.objects.filter(ledger=ledger).order_by("revision")
    return list(found.values_list("hostname", "entries", "licenses", "entries_parted", "licenses_back"))


def person(ledger: Ledger, key: str) -> int:
    return ConsumedLicense.objects.get(ledger=ledger, person_key=key).pk


def test_sync_that_makes_the_two_one_confirms(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")
    before = ledger.consumed

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])

    ledger.refresh_from_db()
    assert state(pair) == (State.CONFIRMED, 1)
    assert before - ledger.consumed == 1
    assert pair.closed_revision == ledger.revision
    assert savings(ledger) == [("ghes1.octo.example", 1, 1, 0, 0)]


def test_confirmed_entry_keeps_the_person_and_no_address(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])

    pair.refresh_from_db()
    assert (pair.first_key, pair.second_key, pair.evidence, pair.fixes, pair.awaited) == ("", "", [], [], None)
    assert (pair.first_license_id, pair.second_license_id) == (person(ledger, "m:1"), None)


def test_import_that_makes_the_two_one_confirms(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")
    both = [{"email": "mona@octo.example", "verified": True}, {"email": "mona@home.example", "verified": True}]

    import_members(ledger, {**MONA, "emails": both}, HUBOT)

    assert state(pair) == (State.CONFIRMED, 1)
    assert savings(ledger) == [("", 1, 1, 0, 0)]


def leaves(ledger: Ledger, server: Installation) -> None:
    sync(server, [(1, "ada@octo.example")])


def leaves_the_cloud(ledger: Ledger, server: Installation) -> None:
    import_members(ledger, HUBOT)


def leaves_with_the_server(ledger: Ledger, server: Installation) -> None:
    services.remove_installation(installation=server, by=None, at=NOW)


def becomes_somebody_else(ledger: Ledger, server: Installation) -> None:
    sync(server, [(1, "ada@octo.example"), (7, "hubot@octo.example")])


@pytest.mark.parametrize("change", [leaves, leaves_the_cloud, leaves_with_the_server, becomes_somebody_else])
def test_entry_of_which_one_went_is_gone_and_proves_nothing(
    ledger: Ledger, ghes1: Installation, change: Callable[[Ledger, Installation], None]
) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")

    change(ledger, ghes1)

    assert state(pair) == (State.GONE, 0)
    assert savings(ledger) == []


def test_address_taken_over_from_who_left_proves_nothing(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "a:ada@octo.example", "a:mona@home.example")

    sync(ghes1, [(7, "ada@octo.example")])

    assert state(pair) == (State.GONE, 0)


def test_account_that_is_split_between_two_proves_nothing(ledger: Ledger, ghes1: Installation) -> None:
    ghes2 = connect(ledger, "ghes2.octo.example")
    sync(ghes2, [(5, "mona@home.example")])
    ledger.refresh_from_db()
    pair = note_pair(ledger, "m:1", "a:mona@home.example")

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])
    assert state(pair) == (State.OPEN, 0)

    sync(ghes2, [(5, "mona@octo.example")])
    assert state(pair) == (State.CONFIRMED, 1)
    assert savings(ledger) == [("ghes2.octo.example", 1, 1, 0, 0)]


def test_three_who_become_one_free_two_licenses_not_three(ledger: Ledger, ghes1: Installation) -> None:
    ghes2 = connect(ledger, "ghes2.octo.example")
    sync(ghes2, [(5, "mona@work.example")])
    ledger.refresh_from_db()
    for one, other in (("a:mona@home.example", "a:mona@work.example"), ("m:1", "a:mona@home.example")):
        note_pair(ledger, one, other)
    note_pair(ledger, "m:1", "a:mona@work.example")
    before = ledger.consumed
    names = ("mona@octo.example", "mona@home.example", "mona@work.example")

    import_members(ledger, {**MONA, "emails": [{"email": name, "verified": True} for name in names]}, HUBOT)

    ledger.refresh_from_db()
    assert before - ledger.consumed == 2
    assert savings(ledger) == [("", 3, 2, 0, 0)]


def test_two_who_become_one_under_a_new_name_free_one_license(ledger: Ledger, ghes1: Installation) -> None:
    ghes2 = connect(ledger, "ghes2.octo.example")
    sync(ghes2, [(5, "mona@work.example")])
    ledger.refresh_from_db()
    pair = note_pair(ledger, "a:mona@home.example", "a:mona@work.example")
    before = ledger.consumed
    emails = [{"email": name, "verified": True} for name in ("mona@home.example", "mona@work.example")]

    import_members(ledger, MONA, HUBOT, member(3, "lisa", member_roles=[], emails=emails))

    ledger.refresh_from_db()
    assert before - ledger.consumed == 1
    assert state(pair) == (State.CONFIRMED, 1)
    assert pair.first_license_id == person(ledger, "m:3")


def test_three_who_become_one_under_a_new_name_free_two_licenses(ledger: Ledger, ghes1: Installation) -> None:
    sync(connect(ledger, "ghes2.octo.example"), [(5, "mona@work.example"), (6, "mona@club.example")])
    ledger.refresh_from_db()
    keys = [f"a:mona@{place}.example" for place in ("home", "work", "club")]
    for one, other in itertools.combinations(keys, 2):
        note_pair(ledger, one, other)
    before = ledger.consumed
    emails = [{"email": key[2:], "verified": True} for key in keys]

    import_members(ledger, MONA, HUBOT, member(3, "lisa", member_roles=[], emails=emails))

    ledger.refresh_from_db()
    assert before - ledger.consumed == 2
    assert savings(ledger) == [("", 3, 2, 0, 0)]


def test_accounts_that_go_to_two_people_at_once_prove_nothing(ledger: Ledger, ghes1: Installation) -> None:
    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example"), (8, "mona@home.example")])
    ledger.refresh_from_db()
    pair = note_pair(ledger, "m:1", "a:mona@home.example")

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example"), (8, "hubot@octo.example")])

    assert state(pair) == (State.GONE, 0)
    assert savings(ledger) == []


def test_account_that_joins_one_of_the_other_at_a_third_person_proves_nothing(
    ledger: Ledger, ghes1: Installation
) -> None:
    ghes2 = connect(ledger, "ghes2.octo.example")
    sync(ghes2, [(5, "mona@octo.example")])
    ledger.refresh_from_db()
    pair = note_pair(ledger, "m:1", "a:mona@home.example")
    emails = [{"email": name, "verified": True} for name in ("mona@octo.example", "mona@home.example")]

    import_members(ledger, member(1, "mona"), {**HUBOT, "emails": emails})

    assert ConsumedLicense.objects.filter(ledger=ledger, person_key="m:1").exists()
    assert state(pair) == (State.GONE, 0)
    assert savings(ledger) == []


def test_dismissed_entry_stays_dismissed(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example", state=State.DISMISSED)

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])

    assert state(pair) == (State.DISMISSED, 0)
    assert savings(ledger) == []


def test_saving_is_taken_back_when_the_two_part(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")
    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example")])

    pair.refresh_from_db()
    ledger.refresh_from_db()
    assert pair.parted_revision == ledger.revision
    assert savings(ledger) == [("ghes1.octo.example", 1, 1, 0, 0), ("ghes1.octo.example", 0, 0, 1, 1)]


def test_saving_is_taken_back_once(ledger: Ledger, ghes1: Installation) -> None:
    note_pair(ledger, "m:1", "a:mona@home.example")
    for address in ("mona@octo.example", "mona@home.example", "mona@octo.example", "mona@home.example"):
        sync(ghes1, [(1, "ada@octo.example"), (7, address)])

    assert len(savings(ledger)) == 2


def test_pair_that_left_and_came_back_is_credited_once(ledger: Ledger, ghes1: Installation) -> None:
    for _time in range(2):
        note_pair(ledger, "m:1", "a:mona@home.example")
        sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])
        import_members(ledger, HUBOT)
        sync(ghes1, [(1, "ada@octo.example")])
        import_members(ledger, MONA, HUBOT)
        sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example")])
    assert proved(ledger).licenses == 1

    note_pair(ledger, "m:1", "a:mona@home.example")
    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])
    assert proved(ledger).licenses == 1

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example")])
    assert proved(ledger).licenses == 0


def test_saving_follows_a_person_to_another_key(ledger: Ledger, ghes1: Installation) -> None:
    ghes2 = connect(ledger, "ghes2.octo.example")
    sync(ghes2, [(5, "mona@work.example")])
    ledger.refresh_from_db()
    pair = note_pair(ledger, "a:mona@home.example", "a:mona@work.example")
    sync(ghes2, [(5, "mona@home.example")])
    lisa = member(3, "lisa", emails=[{"email": "mona@home.example", "verified": True}])
    import_members(ledger, MONA, HUBOT, lisa)
    pair.refresh_from_db()
    assert pair.first_license_id == person(ledger, "m:3")

    sync(ghes2, [(5, "mona@work.example")])

    assert savings(ledger) == [("ghes2.octo.example", 1, 1, 0, 0), ("ghes2.octo.example", 0, 0, 1, 1)]


def test_saving_stays_when_the_person_goes(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")
    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])

    services.remove_installation(installation=ghes1, by=None, at=NOW)
    import_members(ledger, HUBOT)

    assert state(pair) == (State.CONFIRMED, 1)
    assert pair.first_license_id is None
    assert savings(ledger) == [("ghes1.octo.example", 1, 1, 0, 0)]


def waiting(ledger: Ledger, server: Installation | None) -> Suspect:
    action = "primary" if server else "verify"
    fix = Fix(
        action=action,  # type: ignore[typeddict-item]  # One of the two.
        address="mona@octo.example",
        number=None if server else 1,
        installation=server.pk if server else None,
        user_id=7 if server else None,
        more=0,
    )
    pair = note_pair(ledger, "m:1", "a:mona@home.example", fixes=[fix])
    acting.announce(ledger=ledger, entries=[pair.pk], by=None, at=NOW)
    return pair


def test_entry_returns_when_its_server_syncs_without_the_fix(ledger: Ledger, ghes1: Installation) -> None:
    pair = waiting(ledger, ghes1)

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example"), (8, "new@octo.example")])

    ledger.refresh_from_db()
    assert state(pair) == (State.OPEN, 0)
    assert pair.returned_revision == ledger.revision


def test_entry_returns_when_its_server_sends_the_same_list_again(ledger: Ledger, ghes1: Installation) -> None:
    pair = waiting(ledger, ghes1)

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example")])

    assert state(pair) == (State.OPEN, 0)


def test_entry_returns_with_its_people_when_the_fix_is_another_wrong_address(
    ledger: Ledger, ghes1: Installation
) -> None:
    pair = waiting(ledger, ghes1)

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@ocot.example")])

    ledger.refresh_from_db()
    assert state(pair) == (State.OPEN, 0)
    assert (pair.first_key, pair.second_key) == ("m:1", "a:mona@ocot.example")
    assert pair.second_license_id == person(ledger, "a:mona@ocot.example")
    assert pair.identity == identity_of("m:1", "a:mona@ocot.example")
    assert (pair.evidence, pair.returned_revision) == ([], ledger.revision)


def test_new_address_that_has_an_entry_already_ends_the_older_one(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")
    lisa = "a:lisa@home.example"
    Suspect.objects.create(
        **{name: getattr(pair, name) for name in ("ledger", "kind", "score", "licenses_at_stake", "found_at")},
        identity=identity_of("m:1", lisa),
        found_revision=1,
        state=State.DISMISSED,
        state_at=NOW,
    )

    sync(ghes1, [(1, "ada@octo.example"), (7, "lisa@home.example")])

    assert state(pair) == (State.GONE, 0)


def test_one_address_everywhere_server_by_server_confirms_with_the_last(ledger: Ledger, ghes1: Installation) -> None:
    ghes2 = connect(ledger, "ghes2.octo.example")
    sync(ghes2, [(5, "mona@work.example")])
    ledger.refresh_from_db()
    pair = note_pair(ledger, "a:mona@home.example", "a:mona@work.example")

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@new.example")])
    assert state(pair) == (State.OPEN, 0)

    sync(ghes2, [(5, "mona@new.example")])
    assert state(pair) == (State.CONFIRMED, 1)
    assert savings(ledger) == [("ghes2.octo.example", 1, 1, 0, 0)]


def test_entry_waits_on_through_a_list_that_is_older_than_the_fix(ledger: Ledger, ghes1: Installation) -> None:
    pair = waiting(ledger, ghes1)
    Suspect.objects.update(state_at=NOW + timedelta(minutes=1))

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example"), (8, "new@octo.example")])

    assert state(pair) == (State.WAITING, 0)


def test_entry_waits_on_while_others_sync(ledger: Ledger, ghes1: Installation) -> None:
    pair = waiting(ledger, ghes1)

    import_members(ledger, MONA, HUBOT, member(3, "lisa"))
    sync(connect(ledger, "ghes2.octo.example"), [(5, "new@octo.example")])

    assert state(pair) == (State.WAITING, 0)


def test_entry_that_waits_for_members_returns_with_an_import(ledger: Ledger, ghes1: Installation) -> None:
    pair = waiting(ledger, None)
    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@home.example")])
    assert state(pair) == (State.WAITING, 0)

    import_members(ledger, MONA, HUBOT)

    assert state(pair) == (State.OPEN, 0)


def test_entry_that_waits_for_a_member_waits_on_through_a_partial_list_of_others(
    ledger: Ledger, ghes1: Installation
) -> None:
    pair = waiting(ledger, None)
    import_members(ledger, member(3, "lisa"), partial=True)
    assert state(pair) == (State.WAITING, 0)

    import_members(ledger, MONA, partial=True)

    assert state(pair) == (State.OPEN, 0)


def test_entry_returns_when_the_server_it_waits_for_is_removed(ledger: Ledger, ghes1: Installation) -> None:
    ghes2 = connect(ledger, "ghes2.octo.example")
    sync(ghes2, [(5, "mona@home.example")])
    ledger.refresh_from_db()
    pair = waiting(ledger, ghes2)

    services.remove_installation(installation=ghes2, by=None, at=NOW)

    assert state(pair) == (State.OPEN, 0)


def test_waiting_entry_is_confirmed_by_its_sync(ledger: Ledger, ghes1: Installation) -> None:
    pair = waiting(ledger, ghes1)

    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])

    assert state(pair) == (State.CONFIRMED, 1)
    assert pair.awaited is None
    assert pair.returned_revision is None


def test_preview_proves_nothing(ledger: Ledger, ghes1: Installation) -> None:
    pair = note_pair(ledger, "m:1", "a:mona@home.example")
    emails = [{"email": name, "verified": True} for name in ("mona@octo.example", "mona@home.example")]

    services.preview_members(ledger=ledger, stream=ndjson({**MONA, "emails": emails}, HUBOT), format="ndjson", at=NOW)

    assert state(pair) == (State.OPEN, 0)
    assert savings(ledger) == []


def test_savings_go_after_five_years(ledger: Ledger, ghes1: Installation) -> None:
    note_pair(ledger, "m:1", "a:mona@home.example")
    sync(ghes1, [(1, "ada@octo.example"), (7, "mona@octo.example")])

    enforce(NOW + timedelta(days=5 * 366) - timedelta(hours=1))
    assert Saving.objects.exists()

    enforce(NOW + timedelta(days=5 * 366) + timedelta(hours=1))
    assert not Saving.objects.exists()
