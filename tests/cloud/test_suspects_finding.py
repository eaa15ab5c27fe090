"""Which two people are called probably one, by which evidence, and what would make them one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cloud.consumption import totals
from cloud.models import Ledger, MemberLink, Suspect, VerifiedDomain
from cloud.suspects import runs, searching
from cloud.suspects.evidence import Fix
from cloud.suspects.words import is_public, is_role
from tests.cloud.books import connect, import_members, member, send
from wire.lines import make_line

Kind = Suspect.Kind
Account = tuple[str | None, list[str]]
"""The primary address, and the others."""

MONA = "mona.lisa@octo.example"


def person(number: int, login: str, verified: str = "", unverified: str = "", **fields: Any) -> dict[str, Any]:
    emails = [{"email": verified, "verified": True}] if verified else []
    emails += [{"email": unverified, "verified": False}] if unverified else []
    return member(number, login, emails=emails, **fields)


class World:
    """Books, and what was last imported and synced."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.members: list[dict[str, Any]] = []
        self.accounts: dict[str, list[Account]] = {}
        for domain in ("octo.example", "octo-labs.example"):
            VerifiedDomain.objects.create(ledger=ledger, domain=domain, verified_at=timezone.now())

    def come(self, *members: dict[str, Any], **accounts: list[Account]) -> None:
        """These are members, and these the accounts of the servers ``ghes1`` and so on."""
        self.members = copy.deepcopy([*members])
        import_members(self.ledger, *members)
        for host, some in accounts.items():
            self.sync(host, some)

    def sync(self, host: str, accounts: list[Account]) -> None:
        self.accounts[host] = accounts
        server = self.ledger.installations.filter(hostname=f"{host}.octo.example").first()
        server = server or connect(self.ledger, f"{host}.octo.example")
        send(server, [make_line(user_id, primary, others) for user_id, (primary, others) in enumerate(accounts, 1)])

    def search(self) -> list[Suspect]:
        searching.search(runs.request(self.ledger, timezone.now())[0].pk, timezone.now)
        listed = Suspect.objects.filter(state__in=Suspect.LISTED)
        return list(listed.order_by("-licenses_at_stake", "-score", "pk"))

    def consumed(self) -> int:
        return totals(self.ledger).consumed

    def do(self, fix: Fix) -> None:
        """What a fix says, and the sync or import after it."""
        if fix["action"] == "verify":
            (one,) = [each for each in self.members if each["id"] == fix["number"]]
            one["emails"] = [*one.get("emails", ()), {"email": fix["address"], "verified": True}]
            import_members(self.ledger, *self.members)
        elif fix["action"] == "leave":
            import_members(self.ledger, *[each for each in self.members if each["id"] != fix["number"]])
        else:
            host = self.ledger.installations.get(pk=fix["installation"] or 0).hostname.partition(".")[0]
            accounts = [*self.accounts[host]]
            accounts[(fix["user_id"] or 0) - 1] = (fix["address"], [])
            self.sync(host, accounts)


@pytest.fixture
def world(ledger: Ledger) -> World:
    return World(ledger)


FOUND: dict[str, tuple[Suspect.Kind, list[dict[str, Any]], dict[str, list[Account]]]] = {
    "secondary address is a member's": (
        Kind.SECONDARY,
        [person(1, "mona", MONA)],
        {"ghes1": [("starwolf@gmail.com", [MONA])]},
    ),
    "secondary address is another server's primary one": (
        Kind.SECONDARY,
        [],
        {"ghes1": [(MONA, [])], "ghes2": [("starwolf@gmail.com", [MONA])]},
    ),
    "account has only a secondary address": (
        Kind.SECONDARY,
        [person(1, "mona", MONA)],
        {"ghes1": [(None, [MONA])]},
    ),
    "address before she married": (
        Kind.SECONDARY,
        [person(1, "mona", MONA)],
        {"ghes1": [("mona.meier@octo.example", [MONA])]},
    ),
    "member never verified the address": (
        Kind.UNVERIFIED,
        [person(1, "mona", "starwolf@gmail.com", unverified=MONA)],
        {"ghes1": [(MONA, [])]},
    ),
    "number for a name": (
        Kind.SECONDARY,
        [person(1, "mona", "4711@octo.example")],
        {"ghes1": [("starwolf@gmail.com", ["4711@octo.example"])]},
    ),
    "tag": (Kind.PLUS_TAG, [person(1, "mona", MONA)], {"ghes1": [("mona.lisa+ghes@octo.example", [])]}),
    "two tags": (Kind.PLUS_TAG, [], {"ghes1": [("m.l+a1@b.example", [])], "ghes2": [("m.l+b1@b.example", [])]}),
    "dots of a provider": (Kind.DOTS, [person(1, "mona", "m.lisa@gmail.com")], {"ghes1": [("mlisa@gmail.com", [])]}),
    "dots of the company": (Kind.DOTS, [person(1, "mona", MONA)], {"ghes1": [("monalisa@octo.example", [])]}),
    "two domains": (Kind.LOCAL_PART, [person(1, "mona", MONA)], {"ghes1": [("mona.lisa@octo-labs.example", [])]}),
    "two domains on two servers": (
        Kind.LOCAL_PART,
        [],
        {"ghes1": [(MONA, [])], "ghes2": [("mona.lisa@octo-labs.example", [])]},
    ),
    "one has a subscription": (
        Kind.SECONDARY,
        [person(1, "mona", MONA, visual_studio={"email": MONA, "status": "Matched"})],
        {"ghes1": [("starwolf@gmail.com", [MONA])]},
    ),
}

BYSTANDERS = [
    person(number, login, f"{login}@octo.example")
    for number, login in enumerate(["ada.king", "linus.berg", "grace.moor", "alan.roth"], 90)
]
"""Enough that nobody's name is a common one."""


@pytest.mark.parametrize("name", FOUND)
def test_two_who_are_probably_one_are_found_and_the_fix_frees_what_is_at_stake(world: World, name: str) -> None:
    kind, members, accounts = FOUND[name]
    world.come(*members, *BYSTANDERS, **accounts)
    before = world.consumed()

    (found,) = world.search()
    world.do(found.fixes[0])

    assert (found.kind, found.licenses_at_stake) == (kind, 1)
    assert found.evidence[0]["kind"] == kind
    assert world.consumed() == before - 1
    assert world.search() == []


NOT_FOUND: dict[str, tuple[list[dict[str, Any]], dict[str, list[Account]]]] = {
    "a colleague's address": ([person(1, "mona", MONA)], {"ghes1": [("hubot.smith@octo.example", [MONA])]}),
    "who runs a machine": ([person(1, "mona", MONA)], {"ghes1": [("ci@machines.example", [MONA])]}),
    "a member that is a machine": ([person(1, "octo-bot", MONA)], {"ghes1": [("starwolf@gmail.com", [MONA])]}),
    "mailbox of a team": (
        [],
        {
            "ghes1": [("falcon@octo.example", [])],
            "ghes2": [("a@x.example", ["falcon@octo.example"])],
            "ghes3": [("b@y.example", ["falcon@octo.example"])],
            "ghes4": [("c@z.example", ["falcon@octo.example"])],
        },
    ),
    "tag of a machine": ([person(1, "mona", MONA)], {"ghes1": [("mona.lisa+ci@octo.example", [])]}),
    "tag that may be a name": ([person(1, "mona", MONA)], {"ghes1": [("mona.lisa+jenkins@octo.example", [])]}),
    "dots of another provider": ([person(1, "mona", "m.lisa@gmx.de")], {"ghes1": [("mlisa@gmx.de", [])]}),
    "two providers": ([person(1, "mona", "mona.lisa7@gmx.de")], {"ghes1": [("mona.lisa7@gmail.com", [])]}),
    "a stranger's domain": ([person(1, "mona", MONA)], {"ghes1": [("mona.lisa@elsewhere.example", [])]}),
    "both on one server": ([], {"ghes1": [(MONA, []), ("mona.lisa@octo-labs.example", [])]}),
    "both on the cloud": ([person(1, "mona", MONA), person(2, "lisa", "mona.lisa@octo-labs.example")], {}),
    "one has an address of the other's domain": (
        [person(1, "mona", MONA, unverified="mona.lisa2@octo-labs.example")],
        {"ghes1": [("mona.lisa@octo-labs.example", [])]},
    ),
    "a given name": (
        [person(1, "a", "anna@octo.example"), person(2, "b", "anna.meier@octo.example")],
        {"ghes1": [("anna@octo-labs.example", [])]},
    ),
    "one name on three domains": (
        [person(1, "mona", MONA)],
        {"ghes1": [("mona.lisa@octo-labs.example", [])], "ghes2": [("mona.lisa@octo-third.example", [])]},
    ),
    "one number on two domains": (
        [person(1, "mona", "4711@octo.example")],
        {"ghes1": [("4711@octo-labs.example", [])]},
    ),
    "no reply": (
        [person(1, "mona", "7+mona@users.noreply.github.com")],
        {"ghes1": [("7+lisa@users.noreply.github.com", [])]},
    ),
    "a machine on two domains": ([person(1, "mona", "ci@octo.example")], {"ghes1": [("ci@octo-labs.example", [])]}),
}


@pytest.mark.parametrize("name", NOT_FOUND)
def test_who_only_looks_like_it_is_not_found(world: World, name: str) -> None:
    members, accounts = NOT_FOUND[name]
    VerifiedDomain.objects.create(ledger=world.ledger, domain="octo-third.example", approved_at=timezone.now())
    VerifiedDomain.objects.create(ledger=world.ledger, domain="gmx.de", approved_at=timezone.now())
    VerifiedDomain.objects.create(ledger=world.ledger, domain="gmail.com", approved_at=timezone.now())
    world.come(*members, *BYSTANDERS, **accounts)

    assert world.search() == []


@pytest.mark.parametrize(
    "local", ["ci", "jenkins", "admin", "build-bot", "dev.team", "noreply", "svc-backup2", "no-reply"]
)
def test_machines_and_offices_are_told_by_their_names(local: str) -> None:
    assert is_role(local)


@pytest.mark.parametrize(
    "local", ["mona", "dev.patel", "mona.lisa2", "travis.king", "k.jenkins", "rui.sa", "will.smith", "4711"]
)
def test_people_are_too(local: str) -> None:
    assert not is_role(local)


@pytest.mark.parametrize("domain", ["gmail.com", "yahoo.co.uk", "gmx.de", "web.de", "duck.com", "tuta.com"])
def test_public_providers_are_known_under_every_top_level_domain(domain: str) -> None:
    assert is_public(domain)


@pytest.mark.parametrize("domain", ["octo.example", "mail.octo.example", "yahoo.octo.example", "live.octo.com"])
def test_domain_of_a_company_is_none(domain: str) -> None:
    assert not is_public(domain)


def test_domain_that_many_have_is_the_companys(world: World) -> None:
    many = [person(number, f"u{number}", f"someone.odd{number}@octo-third.example") for number in range(50, 54)]
    world.come(*BYSTANDERS, *many, person(1, "mona", MONA), ghes1=[("mona.lisa@octo-third.example", [])])

    assert [found.kind for found in world.search()] == [Kind.LOCAL_PART]


def test_domain_that_is_neither_verified_nor_approved_says_nothing(world: World) -> None:
    VerifiedDomain.objects.create(ledger=world.ledger, domain="elsewhere.example")
    members, accounts = NOT_FOUND["a stranger's domain"]
    world.come(*members, *BYSTANDERS, **accounts)

    assert world.search() == []


def test_two_members_can_only_become_one_if_one_leaves(world: World) -> None:
    world.come(person(1, "mona", MONA), person(2, "lisa", "lisa@home.example", unverified=MONA), *BYSTANDERS)
    before = world.consumed()

    (found,) = world.search()
    world.do(found.fixes[0])

    assert (found.first_key, found.second_key) == ("m:1", "m:2")
    assert [fix["action"] for fix in found.fixes] == ["leave"]
    assert (found.licenses_at_stake, world.consumed()) == (1, before - 1)


def test_of_two_members_one_of_whom_has_a_subscription_nothing_is_at_stake(world: World) -> None:
    subscription = {"email": MONA, "status": "Matched"}
    lisa = person(2, "lisa", "lisa@home.example", unverified=MONA, visual_studio=subscription)
    world.come(person(1, "mona", MONA), lisa, *BYSTANDERS)

    assert [found.licenses_at_stake for found in world.search()] == [0]


def test_account_that_has_the_address_already_is_moved_first(world: World) -> None:
    world.come(*BYSTANDERS, ghes1=[(MONA, [])], ghes2=[("starwolf@gmail.com", [MONA])])

    (found,) = world.search()

    ghes2 = world.ledger.installations.get(hostname="ghes2.octo.example")
    first = found.fixes[0]
    assert (first["action"], first["address"], first["installation"], first["user_id"], first["more"]) == (
        *("primary", MONA, ghes2.pk, 1, 0),
    )


ADVICE: dict[str, tuple[str, Account, str, str]] = {
    "a private address beside the company's": (MONA, ("starwolf@home.example", [MONA]), "primary", MONA),
    "a private address that the member verified": (
        *("starwolf@home.example", (MONA, ["starwolf@home.example"])),
        *("verify", MONA),
    ),
    "two addresses of the company": (
        *(MONA, ("mona.meier@octo-labs.example", [MONA])),
        *("primary", MONA),
    ),
    "a public provider, and a domain that nobody verified": (
        *("starwolf@gmail.com", ("mona.lisa@new.example", ["starwolf@gmail.com"])),
        *("verify", "mona.lisa@new.example"),
    ),
    "the company's address with a tag": (
        *(MONA, ("mona.lisa+ghes@octo.example", [])),
        *("verify", "mona.lisa+ghes@octo.example"),
    ),
}
"""What the member verified, the account on the server; what is proposed first."""


@pytest.mark.parametrize("name", ADVICE)
def test_company_address_is_proposed_before_a_private_one(world: World, name: str) -> None:
    verified, account, action, address = ADVICE[name]
    world.come(person(1, "mona", verified), *BYSTANDERS, ghes1=[account])

    (found,) = world.search()

    first = found.fixes[0]
    assert (first["action"], first["address"]) == (action, address)
    assert {fix["action"] for fix in found.fixes} == {"verify", "primary"}


def test_account_on_the_same_server_is_not_given_the_address_again(world: World) -> None:
    """A server holds an address once, but a member may have both of them verified."""
    world.come(person(1, "mona", MONA), *BYSTANDERS, ghes1=[(MONA, []), ("mona.lisa+ghes@octo.example", [])])

    (found,) = world.search()

    assert [fix["action"] for fix in found.fixes] == ["verify"]


def test_linked_account_and_its_address_elsewhere_are_one(world: World) -> None:
    """GitHub's own report gave the first account to a member; the second has the same primary address."""
    world.come(person(1, "mona"), *BYSTANDERS, ghes1=[(MONA, [])])
    MemberLink.objects.create(ledger=world.ledger, number=1, hostname="ghes1.octo.example", user_id=1)
    world.sync("ghes1", [(MONA, ["other@home.example"])])
    world.sync("ghes2", [(MONA, [])])

    (found,) = world.search()
    before = world.consumed()
    world.do(found.fixes[0])

    assert (found.first_key, found.second_key) == ("m:1", f"a:{MONA}")
    assert world.consumed() == before - 1


def test_two_kinds_of_evidence_are_better_than_one(world: World) -> None:
    world.come(
        person(1, "mona", MONA),
        person(2, "hans", "hans.olo@octo.example"),
        *BYSTANDERS,
        ghes1=[("mona.lisa+x1@octo.example", [MONA]), ("hans.olo+x1@octo.example", [])],
    )

    best, second = world.search()

    assert (best.first_key, second.first_key) == ("m:1", "m:2")
    assert [one["kind"] for one in best.evidence] == [Kind.PLUS_TAG, Kind.SECONDARY]


def test_statements_do_not_grow_with_the_people(world: World) -> None:
    counts = []
    for people in (3, 60):
        world.come(
            *(person(n, f"u{n}", f"someone.odd{n}@octo.example") for n in range(1, people)),
            ghes1=[(f"starwolf{n}@gmail.com", [f"someone.odd{n}@octo.example"]) for n in range(1, people)],
        )
        with CaptureQueriesContext(connection) as seen:
            assert len(world.search()) == people - 1
        counts.append(len([query for query in seen.captured_queries if "ANALYZE" not in query["sql"]]))

    assert counts[0] == counts[1]
