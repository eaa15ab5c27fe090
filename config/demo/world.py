"""Invent the people of the demo world: who is on the cloud, who is on which server, and since when.

The same seed and sizes give the same world. With the sizes that are the default, 820 seats on three
servers and 420 licenses on the cloud, counted apart 1,240, are 968 people.
"""

import itertools
import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from config.demo.names import FIRST, LAST

COMPANY = "octo.example"
LABS = "labs.octo.example"
HOME = "mail.example"

# Of all seats: those whose person is on the cloud too, and the second and third ones of a person
# who is not.
MATCHED_SHARE = 180 / 820
SHARED_SHARE = 92 / 820
LEAVERS_FROM = 9_001
CORRECTED = 9
ONE_IN = {"dormant": 9, "identity": 4, "late": 6, "near_miss": 14, "two_names": 8}


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody with a name and a company address."""

    name: str
    login: str
    address: str


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account on a server, there from one week to before another (weeks count from the oldest)."""

    row: dict[str, Any]
    from_week: int = 0
    until_week: int | None = None


@dataclass(kw_only=True)
class World:
    """Members of the cloud account, the accounts of each server, and which of the first are corrected lately."""

    members: list[dict[str, Any]] = field(default_factory=list)
    leavers: list[dict[str, Any]] = field(default_factory=list)
    servers: list[list[Account]] = field(default_factory=list)
    corrected: frozenset[int] = frozenset()

    def first_members(self) -> list[dict[str, Any]]:
        """Return the members as they stood at first: some come later, some are suspended still, some leave later."""
        early = self.members[: len(self.members) - len(self.members) // 20]
        return [
            row | {"suspended": index % 97 == 40 or row["suspended"]} for index, row in enumerate(early)
        ] + self.leavers

    def seats(self, server: int, week: int) -> list[dict[str, Any]]:
        """Return the complete list of a server's accounts as it stood in a week."""
        return [
            account.row
            for account in self.servers[server]
            if account.from_week <= week and (account.until_week is None or week < account.until_week)
        ]


def invent_world(*, servers: int, seats: int, members: int, weeks: int, seed: int) -> World:
    """Return the world: ``seats`` license-consuming accounts in all, ``members`` licenses on the cloud."""
    return _Inventor(servers=servers, seats=seats, members=members, weeks=weeks, seed=seed).world()


class _Inventor:
    def __init__(self, *, servers: int, seats: int, members: int, weeks: int, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - invented people, not secrets
        self.weeks = weeks
        self.people = self._people()
        self.members = [next(self.people) for _ in range(members)]
        self.free = _split(seats, servers)
        self.seats = seats
        self.accounts: list[list[Account]] = [[] for _ in range(servers)]

    def world(self) -> World:
        shared = round(self.seats * SHARED_SHARE) if len(self.free) > 1 else 0
        matched = min(round(self.seats * MATCHED_SHARE), len(self.members))
        for index in range(shared):
            self._add_shared(index)
        for index in range(matched):
            self._add(self._somewhere(), self.members[index], seen=index)
        index = 0
        while sum(self.free):
            self._add_stranger(index)
            index += 1
        for server in range(len(self.accounts)):
            self._add_license_free(server)
        members = [*self._member_rows()]
        self._change_addresses()
        corrected = self._correct_addresses()
        leavers = [_member_row(LEAVERS_FROM + number, next(self.people)) for number in range(len(members) // 140)]
        return World(members=members, leavers=leavers, servers=self.accounts, corrected=corrected)

    def _add_shared(self, index: int) -> None:
        """Put somebody who is not on the cloud on two servers, both with the same address."""
        person = next(self.people)
        first = self._roomiest()
        self._add(first, person, seen=index)
        self._add(self._roomiest(but=first), person, seen=index)

    def _add_stranger(self, index: int) -> None:
        """Put somebody on one server only; now and then somebody who is on the cloud in truth."""
        nth, is_other = divmod(index, ONE_IN["near_miss"])
        if not is_other and self.members:
            known = self.members[-1 - nth % len(self.members)]
            local = known.address.partition("@")[0]
            primary, others = f"{local}@{LABS}", []
            if nth % 12 == 8:
                primary = f"{local}+ghes@{COMPANY}"
            elif nth % 2:
                primary, others = f"{local}@{HOME}", [known.address]
            self._add(self._somewhere(), known, seen=index, primary=primary, others=others)
        elif index % 97 == 5:
            self._add(self._somewhere(), next(self.people), seen=index, primary="")
        else:
            self._add(self._somewhere(), next(self.people), seen=index)

    def _change_addresses(self) -> None:
        """Let those near misses of the second server have been matched before: their address there changed lately."""
        known = {person.login: person.address for person in self.members}
        for account in [each for accounts in self.accounts[1:2] for each in accounts]:
            addresses = [email["email"] for email in account.row["emails"]]
            before = known.get(account.row["login"], "")
            if before and before not in addresses[:1] and addresses and account.from_week < self.weeks - 1:
                row = account.row | {"emails": [{"email": before, "primary": True}]}
                former = Account(row=row, from_week=account.from_week, until_week=self.weeks - 1)
                later = Account(row=account.row, from_week=self.weeks - 1, until_week=account.until_week)
                place = self.accounts[1].index(account)
                self.accounts[1][place : place + 1] = [former, later]

    def _correct_addresses(self) -> frozenset[int]:
        """Let some members have had a private primary address on the first server until lately, and their own besides.

        Return the ids of their accounts.
        """
        known = {person.login: person.address for person in self.members}
        matched = [
            account
            for account in self.accounts[0]
            if account.row["emails"] == [{"email": known.get(account.row["login"]), "primary": True}]
            and account.from_week == 0
            and account.until_week is None
        ]
        chosen = matched[:: max(1, len(matched) // CORRECTED)][:CORRECTED]
        for account in chosen:
            address = known[account.row["login"]]
            private = {"email": f"{address.partition('@')[0]}@{HOME}", "primary": True}
            row = account.row | {"emails": [private, {"email": address, "primary": False}]}
            former = Account(row=row, until_week=self.weeks + 1)
            later = Account(row=account.row, from_week=self.weeks + 1)
            place = self.accounts[0].index(account)
            self.accounts[0][place : place + 1] = [former, later]
        return frozenset(account.row["id"] for account in chosen)

    def _add_license_free(self, server: int) -> None:
        """Add those who hold no license: suspended ones, built-in ones, a bot; and people who left."""
        for index in range(max(1, len(self.accounts[server]) // 25)):
            self._append(server, next(self.people), suspended=True)
            self._append(server, next(self.people), until_week=1 + index % max(1, self.weeks - 1))
        for login, kind in (("ghost", "User"), ("scim-admin", "User"), ("deploy-bot", "Bot")):
            address = f"{login}@{COMPANY}"
            self._append(server, Person(name=login, login=login, address=address), kind=kind)

    def _add(
        self, server: int, person: Person, *, seen: int, primary: str | None = None, others: list[str] | None = None
    ) -> None:
        self.free[server] -= 1
        late = seen % ONE_IN["late"] == 1
        self._append(
            server,
            person,
            primary=primary,
            others=others or [],
            dormant=seen % ONE_IN["dormant"] == 2,
            from_week=self.random.randint(1, self.weeks - 1) if late and self.weeks > 1 else 0,
        )

    def _append(
        self,
        server: int,
        person: Person,
        *,
        kind: str = "User",
        primary: str | None = None,
        others: list[str] | None = None,
        dormant: bool = False,
        suspended: bool = False,
        from_week: int = 0,
        until_week: int | None = None,
    ) -> None:
        address = person.address if primary is None else primary
        emails = [{"email": address, "primary": True}] if address else []
        emails += [{"email": other, "primary": False} for other in others or []]
        row = {
            "id": 3 + len(self.accounts[server]),
            "login": person.login,
            "type": kind,
            "role": "user",
            "suspended": suspended,
            "dormant": dormant,
            "created_at": f"{2019 + len(self.accounts[server]) % 6}-03-0{1 + server % 9}T08:00:00Z",
            "last_active": f"2025-0{1 + len(self.accounts[server]) % 9}-14T16:20:00Z" if dormant else None,
            "emails": emails,
        }
        self.accounts[server].append(Account(row=row, from_week=from_week, until_week=until_week))

    def _roomiest(self, but: int | None = None) -> int:
        """Return the server with most seats left, so that nobody is put twice on one by chance."""
        return max((server for server in range(len(self.free)) if server != but), key=self.free.__getitem__)

    def _somewhere(self) -> int:
        """Return a server that has seats left, by chance."""
        return self.random.choices(range(len(self.free)), weights=self.free)[0]

    def _member_rows(self) -> Iterator[dict[str, Any]]:
        logins = {account.row["login"] for accounts in self.accounts for account in accounts}
        strays = [number for number, person in enumerate(self.members, 1) if person.login not in logins][5::12]
        for number, person in enumerate(self.members, start=1):
            row = _member_row(number, person)
            if number % ONE_IN["identity"] == 0:
                # Known by the company's identity provider; the verified address is a private one.
                row["emails"] = [{"email": f"{person.login}@{HOME}", "verified": True}]
                row["identities"] = [{"attribute": "NameID", "value": person.address}]
                row["saml_name_id"] = person.address
            if number in strays:
                # The company does not know this address: whatever they have on a server would count again.
                row["emails"] = [{"email": f"{person.login}@{HOME}", "verified": True}]
                row["identities"], row["saml_name_id"] = [], None
            if number > len(self.members) - 4:
                row |= {"member_roles": [], "pending_invites": ["octo"]}
            yield row
        yield from self._ambiguous_rows(len(self.members) + 1)

    def _ambiguous_rows(self, number: int) -> Iterator[dict[str, Any]]:
        """Give three members' identity to a second, suspended listing; add those who hold no license."""
        for offset, person in enumerate(self.members[3:12:4]):
            double = Person(name=person.name, login=f"{person.login}-old", address=person.address)
            row = _member_row(number + offset, double)
            row |= {"suspended": True, "saml_name_id": person.address}
            row["identities"] = [{"attribute": "NameID", "value": person.address}]
            yield row
        number += 3
        yield _member_row(number, next(self.people)) | {
            "member_roles": [],
            "enterprise_roles": ["billing_manager"],
        }
        subscriber = next(self.people)
        yield _member_row(number + 1, subscriber) | {
            "visual_studio": {"email": subscriber.address, "status": "Matched"}
        }

    def _people(self) -> Iterator[Person]:
        pairs = list(itertools.product(FIRST, LAST))
        self.random.shuffle(pairs)
        number = 0
        while True:
            for place, (first, single) in enumerate(pairs):
                # Some have a name that is nobody else's, as most people have.
                last = f"{single}-{LAST[place % len(LAST)]}" if place % ONE_IN["two_names"] == 3 else single
                suffix = str(number) if number else ""
                login = f"{_ascii(first)}-{_ascii(last)}{suffix}"
                address = f"{_ascii(first)}.{_ascii(last)}{suffix}@{COMPANY}"
                yield Person(name=f"{first} {last}", login=login, address=address)
            number += 1


def _member_row(number: int, person: Person) -> dict[str, Any]:
    organization = ("octo", "infra", "research")[number % 3]
    return {
        "id": number,
        "login": person.login,
        "name": person.name,
        "emails": [{"email": person.address, "verified": True}],
        "identities": [],
        "enterprise_roles": ["owner"] if number == 1 else [],
        "member_roles": [f"{organization}:{'Owner' if number % 40 == 1 else 'Member'}"],
        "outside_collaborator": [],
        "pending_invites": [],
        "failed_invites": [],
        "suspended": False,
        "two_factor": number % 11 != 0,
        "saml_name_id": None,
        "visual_studio": None,
    }


def _split(total: int, parts: int) -> list[int]:
    """Divide seats unevenly, the first server having most."""
    weights = [10 - index % 5 for index in range(parts)]
    shares = [total * weight // sum(weights) for weight in weights]
    shares[0] += total - sum(shares)
    return shares


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(letter for letter in decomposed if letter.isascii()).lower()
