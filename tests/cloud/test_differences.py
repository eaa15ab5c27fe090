"""What a sync changes for people: as the rules say, told of the server's own accounts only, and kept in numbers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from cloud import changes, consumption, intake, services
from cloud.models import Installation, Intake, Ledger, PersonChange, Revision, ServerAccount
from tests.cloud import rulebook
from tests.cloud.books import (
    NOW,
    apply_now,
    commit_whole,
    connect,
    import_members,
    lines_of,
    member,
    open_books,
    opening,
    receipt_of,
    sync,
)
from tests.cloud.rulebook import Listed, World
from tests.cloud.test_retention import beat
from tests.cloud.test_sequences import HOSTS, STEPS, accounts, latest, members
from wire.messages import Difference, SyncStatus

pytestmark = pytest.mark.django_db

MONA = (1, "mona@octo.example")
HUBOT = (2, "hubot@octo.example")
NUMBERS = ("added", "removed", "matched", "unmatched")


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    return connect(ledger, "ghes1.octo.example")


def preview(server: Installation, rows: list[tuple[int, str | None]]) -> Difference:
    server.refresh_from_db()
    lines = lines_of(rows)
    opened = opening(server, lines, kind="preview")
    if intake.open_sync(server, opened, NOW).state == "receiving":
        commit_whole(server, lines, opened)
        apply_now(server, opened.sync_id)
    return difference_of(intake.status(server, opened.sync_id))


def difference_of(status: SyncStatus) -> Difference:
    assert status.preview is not None
    return status.preview


def people_numbers(difference: Difference) -> tuple[int | None, ...]:
    return tuple(getattr(difference, f"people_{name}") for name in NUMBERS)


def samples(difference: Difference, change: str) -> list[tuple[int, str, str]]:
    return [(one.user_id, one.primary, one.match) for one in difference.samples if one.change == change]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members, accounts, accounts, accounts)
def test_difference_is_that_of_the_rules(
    listed: dict[int, Listed], other: dict[int, str], first: dict[int, str], second: dict[int, str]
) -> None:
    with transaction.atomic():
        ledger, world = open_books("octo"), World()
        STEPS["members"](ledger, world, listed)
        STEPS["sync"](ledger, world, HOSTS[0], first)
        STEPS["sync"](ledger, world, HOSTS[1], other)
        before = World(dict(world.members), {host: dict(rows) for host, rows in world.servers.items()})
        server = ledger.installations.get(hostname=HOSTS[0])

        foreseen = preview(server, [(user_id, address or None) for user_id, address in second.items()])
        STEPS["sync"](ledger, world, HOSTS[0], second)

        said = difference_of(intake.status(server, str(latest(ledger).snapshot_id)))
        assert said == _after(foreseen)
        _assert_follows(ledger, said, before, world)
        transaction.set_rollback(True)


def _after(foreseen: Difference) -> Difference:
    """The same difference as it is said once it has happened."""
    return Difference(**{name: getattr(foreseen, name) for name in foreseen.__struct_fields__} | {"revision": 2})


def _assert_follows(ledger: Ledger, said: Difference, before: World, after: World) -> None:
    rules = rulebook.difference(before, after)
    assert people_numbers(said) == tuple(len(getattr(rules, name)) for name in NUMBERS)
    assert (said.licenses_added, said.licenses_removed) == (rules.licenses_added, rules.licenses_removed)
    assert rules.licenses_added - rules.licenses_removed == said.licenses_after - said.licenses_before
    for one in said.samples:
        world = after if one.change in {"added", "matched"} else before
        found = rulebook.match(world, HOSTS[0], one.user_id)
        assert found.person in getattr(rules, one.change)
        assert (one.primary, one.match) == (world.servers[HOSTS[0]][one.user_id], found.rule)
    moved = PersonChange.objects.filter(ledger=ledger, revision=ledger.revision)
    assert moved.filter(accounts__gt=0).count() == len(rules.matched)
    assert moved.filter(accounts__lt=0).count() == len(rules.unmatched)


def test_preview_says_who_would_come_go_and_match_and_changes_nothing(ledger: Ledger, server: Installation) -> None:
    import_members(ledger, member(7, "cara", emails=[{"email": "cara@octo.example", "verified": True}]))
    sync(server, [MONA, HUBOT, (3, None)])

    said = preview(server, [MONA, (4, "cara@octo.example"), (5, None), (6, "mona@octo.example")])

    assert people_numbers(said) == (1, 2, 2, 0)
    assert (said.licenses_before, said.licenses_after, said.revision) == (4, 3, 1)
    assert samples(said, "added") == [(5, "", "none")]
    assert samples(said, "removed") == [(2, "hubot@octo.example", "address"), (3, "", "none")]
    assert samples(said, "matched") == [(4, "cara@octo.example", "verified"), (6, "mona@octo.example", "address")]
    assert set(ServerAccount.objects.values_list("user_id", flat=True)) == {1, 2, 3}
    assert not PersonChange.objects.exists()
    assert Revision.objects.count() == ledger.revisions.count() == 2


def test_person_with_a_license_another_way_stays(ledger: Ledger, server: Installation) -> None:
    import_members(ledger, member(7, "mona", emails=[{"email": "mona@octo.example", "verified": True}]))
    sync(server, [MONA])

    said = difference_of(sync(server, [HUBOT]))

    assert people_numbers(said) == (1, 0, 0, 1)
    assert samples(said, "unmatched") == [(1, "mona@octo.example", "verified")]
    assert (said.licenses_added, said.licenses_removed) == (1, 0)


def test_server_learns_of_its_own_accounts_only(ledger: Ledger, server: Installation) -> None:
    import_members(
        ledger,
        member(7, "secret-login", emails=[{"email": "mona@octo.example", "verified": True}]),
        member(8, "other-login", emails=[{"email": "eve@octo.example", "verified": True}]),
    )
    sync(connect(ledger, "ghes2.octo.example"), [(71, "hubot@octo.example"), (72, "only-there@octo.example")])

    status = sync(server, [MONA, HUBOT])

    assert [(one.user_id, one.primary) for one in difference_of(status).samples] == [MONA, HUBOT]
    said = repr(difference_of(status))
    assert not [word for word in ("login", "eve@", "only-there", "71", "72", "ghes2") if word in said]
    assert "login" not in repr(receipt_of(status))


def test_samples_are_few_however_many_people_there_are(server: Installation) -> None:
    crowd: list[tuple[int, str | None]] = [(number, f"p{number:03}@octo.example") for number in range(1, 101)]

    said = difference_of(sync(server, crowd))

    assert said.people_added == 100
    assert [one.user_id for one in said.samples] == list(range(1, changes.SAMPLES + 1))


def test_statements_do_not_grow_with_the_accounts(ledger: Ledger) -> None:
    def statements(host: str, count: int) -> int:
        server = connect(ledger, host)
        with CaptureQueriesContext(connection) as queries:
            sync(server, [(number, f"p{number}@{host}") for number in range(1, count + 1)])
        return len([each for each in queries.captured_queries if not each["sql"].startswith("ANALYZE")])

    assert statements("one.example", 10) == statements("two.example", 200)


def test_unchanged_snapshot_is_a_revision_without_people(server: Installation, ledger: Ledger) -> None:
    sync(server, [MONA])

    said = difference_of(sync(server, [MONA]))

    assert people_numbers(said) == (0, 0, 0, 0)
    kept = latest(ledger)
    assert (kept.number, kept.cause, kept.hostname, kept.people_added) == (2, "sync", "ghes1.octo.example", 0)


def test_removed_server_leaves_numbers_and_nobody(server: Installation, ledger: Ledger) -> None:
    sync(server, [MONA, HUBOT])

    services.remove_installation(installation=server, by=None, at=NOW)

    kept = latest(ledger)
    assert (kept.cause, kept.hostname, kept.installation, kept.people_removed) == (
        "removal",
        "ghes1.octo.example",
        None,
        2,
    )
    assert (kept.licenses_before, kept.licenses_after) == (2, 0)


def test_recount_of_sound_books_changes_nobody(server: Installation, ledger: Ledger) -> None:
    sync(server, [MONA])

    consumption.recount_all(ledger, NOW)

    kept = latest(ledger)
    assert (kept.cause, kept.people_added, kept.people_removed) == ("recount", 0, 0)


def test_what_a_person_gained_goes_with_the_person(server: Installation, ledger: Ledger) -> None:
    sync(server, [MONA])
    other = connect(ledger, "ghes2.octo.example")
    sync(other, [MONA, HUBOT])
    assert PersonChange.objects.get().license.label == "mona@octo.example"

    sync(server, [HUBOT])
    sync(other, [HUBOT])

    assert {row.license.label for row in PersonChange.objects.all()} == {"hubot@octo.example"}
    assert ledger.revisions.filter(people_matched=1, number=2).exists()


def test_samples_go_a_day_after_the_end(server: Installation) -> None:
    status = sync(server, [MONA])

    beat(NOW + timedelta(days=1) - timedelta(minutes=1))
    assert difference_of(intake.status(server, status.sync_id)).samples
    beat(NOW + timedelta(days=1, hours=1))

    said = difference_of(intake.status(server, status.sync_id))
    assert (said.samples, said.people_added) == ((), 1)
    assert not Intake.objects.exclude(samples=None).exists()


def test_changes_go_after_five_years(server: Installation, ledger: Ledger) -> None:
    sync(server, [MONA])
    sync(connect(ledger, "ghes2.octo.example"), [MONA])
    Revision.objects.filter(number=1).update(at=NOW + timedelta(days=1))

    beat(NOW + timedelta(days=5 * 366, hours=12))

    assert [kept.number for kept in Revision.objects.all()] == [1]
    assert not PersonChange.objects.exists()


def test_result_of_an_older_version_is_still_said(server: Installation) -> None:
    status = sync(server, [MONA])
    held: dict[str, Any] = Intake.objects.get().result or {}
    older = {name: value for name, value in held.items() if not name.startswith(("people_", "licenses_a"))}
    Intake.objects.update(result={**older, "licenses_after": 1}, samples=None)

    said = difference_of(intake.status(server, status.sync_id))

    assert (said.added, said.people_added, said.samples) == (1, None, ())
