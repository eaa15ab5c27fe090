"""Whatever happens in whatever order: the tables say what the rules say, and a full recount agrees."""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cloud import changes, consumption, services, usage_files
from cloud.models import (
    ConsumedLicense,
    Installation,
    InstallationPoint,
    Ledger,
    Member,
    Reason,
    Revision,
    ServerAccount,
)
from cloud.shares import added_licenses, removal_effect
from tests.cloud import rulebook
from tests.cloud.books import NOW, connect, import_members, lines_of, open_books, sync
from tests.cloud.rulebook import IDENTITY, VERIFIED, Listed, World
from tests.cloud_changes.rules import reasons
from tests.support.usage_files import FileServer
from wire.messages import Base

pytestmark = pytest.mark.django_db

ADDRESSES = ["a@x.example", "b@x.example", "c@x.example"]
HOSTS = ["one.example", "two.example"]
LOGINS = ["ana", "bob", "cara", "dirk"]

addresses = st.sampled_from(ADDRESSES)
held = st.frozensets(st.tuples(st.sampled_from([IDENTITY, VERIFIED]), addresses), max_size=3)
accounts = st.dictionaries(st.integers(1, 3), st.sampled_from(["", *ADDRESSES]), max_size=3)
links = st.frozensets(st.tuples(st.sampled_from(HOSTS), st.integers(1, 3)), max_size=4)
listed = st.builds(
    Listed,
    login=st.just(""),
    consumes=st.booleans(),
    matched_subscription=st.booleans(),
    addresses=held,
    suspended=st.booleans(),
    invited=st.booleans(),
)


def _numbered(rows: dict[int, Listed], shift: int) -> dict[int, Listed]:
    """Give every number a login of its own; another shift gives some of them another's login."""
    return {
        number: replace(one, login=LOGINS[(number + shift) % 4], consumes=one.consumes and not one.suspended)
        for number, one in rows.items()
    }


members = st.builds(_numbered, st.dictionaries(st.integers(1, 4), listed, max_size=4), st.integers(0, 1))
reported = st.dictionaries(
    st.sampled_from(LOGINS), st.builds(Listed, login=st.just(""), consumes=st.booleans(), links=links), max_size=4
)
steps = st.one_of(
    st.tuples(st.just("members"), members),
    st.tuples(st.just("report"), reported),
    st.tuples(st.just("sync"), st.sampled_from(HOSTS), accounts),
    st.tuples(st.just("upload"), st.sampled_from(HOSTS), accounts),
    st.tuples(st.just("add"), members),
    st.tuples(st.just("disconnect"), st.sampled_from(HOSTS)),
    st.tuples(st.just("remove"), st.sampled_from(HOSTS)),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    listed_first={},
    one={},
    two={},
    history=[
        ("members", {1: Listed("cara"), 2: Listed("dirk")}),
        ("add", {2: Listed("cara"), 3: Listed("dirk")}),
    ],
)
@given(members, accounts, accounts, st.lists(steps, min_size=1, max_size=5))
def test_any_sequence_leaves_what_the_rules_say(
    listed_first: dict[int, Listed], one: dict[int, str], two: dict[int, str], history: list[tuple[Any, ...]]
) -> None:
    start = [("members", listed_first), ("sync", HOSTS[0], one), ("sync", HOSTS[1], two)]
    with transaction.atomic():
        ledger, world = open_books("octo"), World()

        for name, *arguments in [*start, *history]:
            before, revision = World(dict(world.members), dict(world.servers)), ledger.revision
            STEPS[name](ledger, world, *arguments)
            ledger.refresh_from_db()
            if ledger.revision > revision:
                _assert_says_what_changed(latest(ledger), rulebook.difference(before, world))
                _assert_says_why(latest(ledger), before, world)

        _assert_spans_add_up(ledger)
        _assert_tables_follow(ledger, world)
        held = _tables(ledger)
        consumption.recount_all(ledger, NOW)
        assert _tables(ledger) == held
        kept = latest(ledger)
        assert (kept.people_added, kept.people_removed, list(kept.reasons.all())) == (0, 0, [])
        transaction.set_rollback(True)


def latest(ledger: Ledger) -> Revision:
    """What the last change of the books did."""
    ledger.refresh_from_db()
    return ledger.revisions.get(number=ledger.revision)


def _assert_says_what_changed(kept: Revision, rules: rulebook.Change) -> None:
    names = ["added", "removed", "matched", "unmatched", "split", "merged"]
    assert {name: getattr(kept, f"people_{name}") for name in names} == {
        name: len(getattr(rules, name)) for name in names
    }
    assert (kept.licenses_added, kept.licenses_removed) == (rules.licenses_added, rules.licenses_removed)
    assert kept.licenses_after - kept.licenses_before == rules.licenses_added - rules.licenses_removed
    came = ConsumedLicense.objects.filter(ledger=kept.ledger_id, since_revision=kept.number)
    assert came.count() == len(rules.added)
    assert came.filter(came_by_move=True).count() == len(rules.split)


def _assert_says_why(kept: Revision, before: World, after: World) -> None:
    """Everybody has the reason that the rules give, and all reasons together are the change of the number."""
    hosts = dict(Installation.objects.filter(ledger=kept.ledger_id).values_list("hostname", "pk"))
    rules = reasons(before, after, kept.cause, lambda person: _key(person, hosts))
    counts = {Reason(row.reason): row.people for row in kept.reasons.all()}
    assert counts == Counter(rules.values())
    assert sum(one.effect * people for one, people in counts.items()) == kept.licenses_after - kept.licenses_before
    here = {_key(person, hosts): reason for person, reason in rules.items() if Reason(reason).keeps_people}
    people = ConsumedLicense.objects.filter(ledger=kept.ledger_id)
    came = dict(people.filter(since_revision=kept.number).values_list("person_key", "since_reason"))
    stayed = dict(people.filter(changes__revision=kept.number).values_list("person_key", "changes__reason"))
    assert came | stayed == here


def _assert_spans_add_up(ledger: Ledger) -> None:
    """From every revision to the last one, the reasons are those of all revisions in between, and the change."""
    revisions = list(ledger.revisions.prefetch_related("reasons").order_by("number"))
    end = changes.point_now(ledger)
    told: Counter[tuple[str, str]] = Counter()
    for kept in reversed(revisions):
        told.update({(row.reason, kept.hostname): row.people for row in kept.reasons.all()})
        start = changes.read_point(ledger, str(kept.number - 1), is_start=True, zone=UTC)
        why = changes.between(ledger, start, end)
        lines = [*why.lines, *why.quiet]
        assert {(line.reason, line.hostname): line.people for line in lines} == told
        assert sum(line.licenses for line in lines) == why.difference == end.licenses - kept.licenses_before
        assert why.is_recorded
    for line in lines:
        here = changes.people_between(ledger, start, end, reason=line.reason, hostname=line.hostname, limit=100)
        assert len(here) == line.listed <= line.people
        assert line.reason.keeps_people or not here


def _key(person: rulebook.Identity, hosts: dict[str, int]) -> str:
    if isinstance(person, int):
        return f"m:{person}"
    return f"a:{person}" if isinstance(person, str) else f"s:{hosts[person[0]]}:{person[1]}"


def _assert_tables_follow(ledger: Ledger, world: World) -> None:
    numbers = dict(Member.objects.filter(ledger=ledger).values_list("login", "number"))
    assert numbers == {one.login: number for number, one in world.members.items()}
    found = {
        (row.installation.hostname, row.user_id): (row.rule, row.is_ambiguous)
        for row in ServerAccount.objects.filter(ledger=ledger).select_related("installation")
    }
    assert found == {key: (one.rule, one.is_ambiguous) for key, one in rulebook.matches(world).items()}
    rows = ConsumedLicense.objects.filter(ledger=ledger)
    assert sorted(
        (
            rulebook.Person(row.label, row.is_counted, row.on_cloud, row.server_accounts, row.is_ambiguous)
            for row in rows
        ),
        key=repr,
    ) == rulebook.people(world)
    totals = consumption.totals(ledger)
    assert totals.consumed == sum(one.is_counted for one in rulebook.people(world))
    assert totals.listed == len(rows)
    assert totals.counted_apart == rulebook.counted_apart(world)
    points = InstallationPoint.objects.filter(installation__ledger=ledger)
    assert {point.installation_id: point.added_licenses for point in points if point.added_licenses} == added_licenses(
        ledger
    )
    for installation in ledger.installations.all():
        assert removal_effect(installation).freed == added_licenses(ledger).get(installation.pk, 0)


def _tables(ledger: Ledger) -> list[list[tuple[Any, ...]]]:
    """Every row with its primary key: a full recount must not even replace one."""
    people = ConsumedLicense.objects.filter(ledger=ledger).order_by("pk")
    held_accounts = ServerAccount.objects.filter(ledger=ledger).order_by("pk")
    totals = Ledger.objects.filter(pk=ledger.pk)
    return [
        list(people.values_list()),
        list(held_accounts.values_list()),
        list(totals.values_list("consumed", "listed", "cloud_licenses", "server_seats")),
    ]


def _ndjson_member(number: int, one: Listed) -> dict[str, Any]:
    return {
        "id": number,
        "login": one.login,
        "member_roles": ["octo:Member"] if one.suspended or (one.consumes and not one.invited) else [],
        "pending_invites": ["octo"] if one.invited and (one.suspended or one.consumes) else [],
        "suspended": one.suspended,
        "emails": [{"email": value, "verified": True} for rank, value in sorted(one.addresses) if rank == VERIFIED],
        "identities": [
            {"attribute": "NameID", "value": value} for rank, value in sorted(one.addresses) if rank == IDENTITY
        ],
        "visual_studio": {"email": "", "status": "Matched"} if one.matched_subscription else None,
    }


def _members(ledger: Ledger, world: World, rows: dict[int, Listed]) -> None:
    import_members(ledger, *(_ndjson_member(number, one) for number, one in rows.items()))
    world.members = dict(rows)


def _add(ledger: Ledger, world: World, rows: dict[int, Listed]) -> None:
    """A partial list; those whose login somebody else keeps are left out, and then keep their own."""
    free = dict(rows)
    while taken := _taken(world, free):
        free = {number: one for number, one in free.items() if number not in taken}
    import_members(ledger, *(_ndjson_member(number, one) for number, one in free.items()), partial=True)
    world.members |= free


def _taken(world: World, rows: dict[int, Listed]) -> set[int]:
    kept = {one.login for number, one in world.members.items() if number not in rows}
    return {number for number, one in rows.items() if one.login in kept}


def _report(ledger: Ledger, world: World, rows: dict[str, Listed]) -> None:
    """GitHub's own report: the known keep their numbers, the others get the next ones."""
    lines = ["github_com_login,github_com_user,enterprise_server_user_ids"]
    for login, one in rows.items():
        ids = ", ".join(f"{hostname}:{user_id}" for hostname, user_id in sorted(one.links))
        lines.append(f'{login},{one.consumes},"{ids}"')
    stream = io.BytesIO("\n".join(lines).encode())
    services.import_members(ledger=ledger, stream=stream, by=None, at=NOW, allow_shrink=True)
    known = {one.login: number for number, one in world.members.items()}
    fresh = iter(range(max(world.members, default=0) + 1, 100))
    world.members = {
        known[login] if login in known else next(fresh): Listed(login, one.consumes, links=one.links)
        for login, one in rows.items()
    }


def _sync(ledger: Ledger, world: World, hostname: str, rows: dict[int, str]) -> None:
    installation = ledger.installations.filter(hostname=hostname).first() or connect(ledger, hostname)
    ledger.installations.update(state=Installation.State.CONNECTED)
    sync(installation, rows.items())
    world.servers[hostname] = dict(rows)


def _upload(ledger: Ledger, world: World, hostname: str, rows: dict[int, str]) -> None:
    """The same server by file, as it stands: with a line, without one any more, or new."""
    held = ledger.installations.filter(hostname=hostname).first()
    far = FileServer(hostname=hostname)
    if held is not None:
        far.server_id = str(held.server_id)
        ledger.installations.filter(pk=held.pk).update(server_key=far.server_key)
    if held is not None and held.snapshot_id:
        far.base = Base(revision=held.revision, snapshot_id=str(held.snapshot_id))
    intake = usage_files.upload_now(
        ledger=ledger,
        stream=far.stream(lines_of(rows.items())),
        name="usage.json",
        by=None,
        at=NOW,
        fingerprint=far.fingerprint,
        allow_shrink=True,
        clock=lambda: NOW,
    )
    assert intake.receipt
    world.servers[hostname] = dict(rows)


def _disconnect(ledger: Ledger, world: World, hostname: str) -> None:
    for installation in ledger.installations.filter(hostname=hostname):
        services.disconnect_installation(installation=installation, by=None, at=NOW)


def _remove(ledger: Ledger, world: World, hostname: str) -> None:
    for installation in ledger.installations.filter(hostname=hostname):
        effect = removal_effect(installation)
        assert services.remove_installation(installation=installation, by=None, at=NOW) == effect
        done = latest(ledger)
        assert (done.people_removed, done.licenses_removed, done.people_unmatched) == (
            effect.people_gone,
            effect.freed,
            effect.stay_on_cloud + effect.stay_on_servers,
        )
    world.servers.pop(hostname, None)


STEPS: dict[str, Callable[..., None]] = {
    "members": _members,
    "add": _add,
    "report": _report,
    "sync": _sync,
    "upload": _upload,
    "disconnect": _disconnect,
    "remove": _remove,
}
