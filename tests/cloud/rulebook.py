"""The rules of matching and counting once more, in plain Python: what the tables must say.

Written from docs/domain.md and not from the statements: slow, without a database, easy to check by eye.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire.addresses import normalize

IDENTITY, VERIFIED = 1, 2


@dataclass(frozen=True)
class Listed:
    """A member: addresses as (rank, value), links as (hostname, user id)."""

    login: str
    consumes: bool = True
    matched_subscription: bool = False
    addresses: frozenset[tuple[int, str]] = frozenset()
    links: frozenset[tuple[str, int]] = frozenset()
    suspended: bool = False
    invited: bool = False


@dataclass
class World:
    """Members by number, and the primary address ("" for none) of accounts by server and user id."""

    members: dict[int, Listed] = field(default_factory=dict)
    servers: dict[str, dict[int, str]] = field(default_factory=dict)


Identity = int | str | tuple[str, int]


@dataclass(frozen=True)
class Match:
    """Person and rule of an account; the person is a member's number, an address, or (hostname, user id)."""

    person: Identity
    rule: str
    is_ambiguous: bool = False


@dataclass(frozen=True)
class Person:
    """A row of the list."""

    label: str
    is_counted: bool
    on_cloud: bool
    accounts: int
    is_ambiguous: bool


def match(world: World, hostname: str, user_id: int) -> Match:
    """Try the rules in their order."""
    address = world.servers[hostname][user_id]
    candidates = [
        ("linked", {n for n, one in world.members.items() if (hostname, user_id) in one.links}),
        ("identity", {n for n, one in world.members.items() if (IDENTITY, address) in one.addresses}),
        ("verified", {n for n, one in world.members.items() if (VERIFIED, address) in one.addresses}),
    ]
    for rule, numbers in candidates:
        if numbers:
            return Match(min(numbers), rule, len(numbers) > 1)
    return Match(address, "address") if address else Match((hostname, user_id), "none")


def matches(world: World) -> dict[tuple[str, int], Match]:
    """Match every account."""
    return {
        (hostname, user_id): match(world, hostname, user_id)
        for hostname, accounts in world.servers.items()
        for user_id in accounts
    }


def people(world: World) -> list[Person]:
    """List everybody who consumes on the cloud or owns an account, by label."""
    owned: dict[Identity, list[Match]] = {}
    for found in matches(world).values():
        owned.setdefault(found.person, []).append(found)
    for number, member in world.members.items():
        if member.consumes:
            owned.setdefault(number, [])
    rows = []
    for person, accounts in owned.items():
        member_or_none = world.members.get(person) if isinstance(person, int) else None
        rows.append(
            Person(
                label=_label(person, member_or_none),
                is_counted=not (member_or_none and member_or_none.matched_subscription),
                on_cloud=bool(member_or_none and member_or_none.consumes),
                accounts=len(accounts),
                is_ambiguous=any(found.is_ambiguous for found in accounts),
            )
        )
    return sorted(rows, key=repr)


def counted_apart(world: World) -> int:
    """Count as if no sync existed: every cloud license and every server account."""
    cloud = sum(one.consumes and not one.matched_subscription for one in world.members.values())
    return cloud + sum(map(len, world.servers.values()))


def _label(person: Identity, member: Listed | None) -> str:
    if member:
        return member.login
    return person if isinstance(person, str) else ":".join(map(str, person))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Change:
    """What happens to people between two worlds; a person is what ``Match.person`` says."""

    added: frozenset[Identity] = frozenset()
    removed: frozenset[Identity] = frozenset()
    matched: frozenset[Identity] = frozenset()
    unmatched: frozenset[Identity] = frozenset()
    split: frozenset[Identity] = frozenset()
    merged: frozenset[Identity] = frozenset()
    licenses_added: int = 0
    licenses_removed: int = 0


def difference(before: World, after: World) -> Change:
    """Say who came, went, and has more or fewer accounts now; by moved accounts, who was split off or merged."""
    was, now = owned(before), owned(after)
    moved = [key for key in matches(before) if key in matches(after) and match(before, *key) != match(after, *key)]
    left, entered = ({match(world, *key).person for key in moved} for world in (before, after))
    counted_before, counted_after = counted(before), counted(after)
    return Change(
        added=frozenset(now.keys() - was.keys()),
        removed=frozenset(was.keys() - now.keys()),
        matched=frozenset(person for person in was.keys() & now.keys() if len(now[person]) > len(was[person])),
        unmatched=frozenset(person for person in was.keys() & now.keys() if len(now[person]) < len(was[person])),
        split=frozenset((now.keys() - was.keys()) & entered),
        merged=frozenset((was.keys() - now.keys()) & left),
        licenses_added=len(counted_after - counted_before),
        licenses_removed=len(counted_before - counted_after),
    )


def owned(world: World) -> dict[Identity, set[tuple[str, int]]]:
    """Everybody who is listed, with their accounts."""
    owned: dict[Identity, set[tuple[str, int]]] = {n: set() for n, one in world.members.items() if one.consumes}
    for key, found in matches(world).items():
        owned.setdefault(found.person, set()).add(key)
    return owned


def counted(world: World) -> set[Identity]:
    """Everybody who is in the total."""
    return {
        person
        for person in owned(world)
        if not (isinstance(person, int) and world.members[person].matched_subscription)
    }


def read(folder: Path, *hostnames: str) -> World:
    """The members and the seats of these servers, from the files of a worked example."""
    members = {one["id"]: _listed(one) for one in _objects(folder / "members.ndjson")}
    return World(members, {name: _accounts(_objects(folder / f"seats-{name}.ndjson")) for name in hostnames})


def consumed(world: World) -> int:
    """The number that page, report and receipt have to show."""
    return sum(person.is_counted for person in people(world))


def _objects(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _listed(one: dict[str, Any]) -> Listed:
    outside = any(repository["visibility"] != "public" for repository in one["outside_collaborator"])
    identities = {(IDENTITY, normalize(identity["value"]) or "") for identity in one["identities"]}
    verified = {(VERIFIED, normalize(email["email"]) or "") for email in one["emails"] if email["verified"]}
    return Listed(
        login=one["login"],
        consumes=not one["suspended"] and bool(one["member_roles"] or one["pending_invites"] or outside),
        suspended=one["suspended"],
        invited=bool(one["pending_invites"]) and not one["member_roles"],
        matched_subscription=(one["visual_studio"] or {}).get("status") == "Matched",
        addresses=frozenset(identities | verified),
    )


def _accounts(seats: list[dict[str, Any]]) -> dict[int, str]:
    return {
        seat["id"]: next((normalize(email["email"]) or "" for email in seat["emails"] if email["primary"]), "")
        for seat in seats
        if seat["type"] == "User" and not seat["suspended"] and seat["login"] not in {"ghost", "scim-admin"}
    }
