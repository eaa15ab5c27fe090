"""Every combination of filters finds whom plain Python finds, in every world and order, page by page and as a file."""

import csv
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud import reports
from cloud.models import ConsumedLicense, Ledger, VerifiedDomain
from cloud.people import PeopleFilter, finding, people, view_counts
from cloud.people.paging import people_page
from tests.cloud.books import NOW, connect, import_members, open_books, sync

pytestmark = pytest.mark.django_db

ADDRESSES: Final = ["a@x.example", "b@x.example", "c@y.example", "d@z.example", "plain"]
DOMAINS: Final = {"x.example", "y.example"}
HOSTS: Final = ["one.example", "two.example"]
ORGANIZATIONS: Final = ["octo", "labs"]
VALUES: Final = {
    "q": ["an", "x.example", "one.example:1", "NAME 2", "nobody", "%"],
    "deployment": ["cloud", "server", "both"],
    "server": [*HOSTS, "three.example"],
    "organization": [*ORGANIZATIONS, "none"],
    "role": ["owner", "member", "outside_collaborator", "pending_invitation", "enterprise_owner"],
    "two_factor": ["enabled", "disabled", "unknown"],
    "domain": ["x.example", "y.example", "z.example", "none"],
    "license_type": ["enterprise", "visual_studio"],
    "ambiguous": ["true", "false"],
}
SORTS: Final = ["name", "-name", "accounts", "-accounts", "since", "-since"]

members = st.fixed_dictionaries(
    {
        "member_roles": st.sets(st.sampled_from(["octo:Member", "Octo:Owner", "labs:Member"]), max_size=2),
        "enterprise_roles": st.sets(st.just("Owner")),
        "outside": st.sets(st.tuples(st.sampled_from(["octo/crm", "labs/x"]), st.booleans()), max_size=2),
        "pending_invites": st.sets(st.sampled_from(ORGANIZATIONS), max_size=1),
        "two_factor": st.sampled_from([None, True, False]),
        "visual_studio": st.sampled_from([None, None, {"email": "", "status": "Matched"}]),
        "verified": st.sets(st.sampled_from(ADDRESSES), max_size=2),
        "identities": st.sets(st.sampled_from(ADDRESSES), max_size=1),
        "others": st.sets(st.sampled_from(ADDRESSES), max_size=1),
    }
)
accounts = st.dictionaries(st.integers(1, 5), st.sampled_from(["", *ADDRESSES]), max_size=5)


def wishes(chance: random.Random) -> Iterator[dict[str, str]]:
    """Each value of each parameter alone, and as many combinations of two or three, in some order."""
    for name, values in VALUES.items():
        for value in values:
            others = chance.sample(sorted(VALUES.keys() - {name}), chance.choice([0, 1, 2]))
            combined = {other: chance.choice(VALUES[other]) for other in others}
            yield {"sort": chance.choice(SORTS), **combined, name: value}


@dataclass
class Someone:
    """A person as plain Python sees them."""

    row: ConsumedLicense
    member: dict[str, Any] | None = None
    accounts: list[tuple[str, int, str]] = field(default_factory=list)

    def roles(self) -> set[tuple[str, str]]:
        said = self.member or {}
        found = {("", f"enterprise_{role.lower()}") for role in said.get("enterprise_roles", ())}
        found |= {tuple(role.lower().split(":")) for role in said.get("member_roles", ())}
        found |= {(name, "pending_invitation") for name in said.get("pending_invites", ())}
        for repository, is_pending in said.get("outside", ()):
            role = "pending_invitation" if is_pending else "outside_collaborator"
            found.add((repository.split("/")[0], role))
        return found

    def shown(self, domains: set[str], *, is_managed: bool) -> set[str]:
        said = self.member or {}
        ranks = ("verified", "identities", "others") if is_managed else ("verified", "identities")
        held = {value for rank in ranks for value in said.get(rank, ())}
        return {value for value in held if is_managed or ("@" in value and value.split("@")[1] in domains)}


def is_meant(one: Someone, wish: dict[str, str], domains: set[str], *, is_managed: bool) -> bool:
    """The filter once more, from its documentation: slow, and easy to check by eye."""
    said, shown = one.member or {}, one.shown(domains, is_managed=is_managed)
    consumes, has_accounts = one.row.on_cloud, bool(one.accounts)
    deployment = "both" if consumes and has_accounts else "cloud" if consumes else "server"
    two_factor = {None: "unknown", True: "enabled", False: "disabled"}[said.get("two_factor")] if one.member else ""
    license_type = "visual_studio" if said.get("visual_studio") else "enterprise"
    endings = {value.split("@")[1] for value in shown if "@" in value}
    return (
        (not wish.get("q") or _is_found(one, wish["q"].lower(), shown))
        and wish.get("deployment") in {None, "", deployment}
        and (not wish.get("server") or any(host == wish["server"] for host, _id, _address in one.accounts))
        and _has_role(one.roles(), wish.get("organization", ""), wish.get("role", ""))
        and wish.get("two_factor") in {None, "", two_factor}
        and (not wish.get("domain") or _is_on(wish["domain"], endings, domains, one))
        and wish.get("license_type") in {None, "", license_type}
        and wish.get("ambiguous") in {None, "", "true" if one.row.is_ambiguous else "false"}
    )


def _is_found(one: Someone, text: str, shown: set[str]) -> bool:
    texts = [one.row.label, *shown, *(address for _host, _id, address in one.accounts)]
    if one.member:
        texts += [one.member["login"], one.member["name"]]
    return any(text in each.lower() for each in texts) or any(
        f"{host}:{number}" == text for host, number, _ in one.accounts
    )


def _has_role(roles: set[tuple[str, str]], organization: str, role: str) -> bool:
    if role.startswith("enterprise_"):
        return ("", role) in roles and _has_role(roles, organization, "")
    return not (organization or role) or any(
        organization in {"", where} and role in {"", what} and (where or what == role) for where, what in roles
    )


def _is_on(domain: str, endings: set[str], domains: set[str], one: Someone) -> bool:
    if domain == "none":
        return one.member is not None and not endings & domains
    return domain in endings


def _sorted(found: list[Someone], sort: str) -> list[str]:
    keys: dict[str, Any] = {
        "name": lambda one: (one.row.label, one.row.person_key),
        "accounts": lambda one: (-one.row.server_accounts, one.row.label, one.row.person_key),
        "since": lambda one: (-(one.row.since_revision or 0), one.row.label, one.row.person_key),
    }
    # The natural order of numbers begins with the highest, that of names with A.
    is_turned = sort in {"-name", "accounts", "since"}
    return [one.row.person_key for one in sorted(found, key=keys[sort.removeprefix("-")], reverse=is_turned)]


def _write(
    listed: list[dict[str, Any]], one: dict[int, str], two: dict[int, str], chance: random.Random
) -> tuple[Ledger, list[Someone]]:
    """The world in the books, and as plain Python sees it; who owns which account is the matching's business."""
    ledger = open_books("octo")
    for domain in ("x.example", "y.example"):
        VerifiedDomain.objects.create(ledger=ledger, domain=domain, verified_at=NOW)
    VerifiedDomain.objects.create(ledger=ledger, domain="z.example")
    known = {
        number: {**said, "login": f"{'AnBoCy'[number % 3 * 2 :][:2]}{number}", "name": f"Name {number}"}
        for number, said in enumerate(listed, start=1)
    }
    rows = [_imported(number, said) for number, said in known.items()]
    import_members(ledger, *rows[: chance.randrange(3)], partial=True)
    sync(connect(ledger, HOSTS[0]), one.items())
    import_members(ledger, *rows)
    sync(connect(ledger, HOSTS[1]), two.items())
    owned: dict[str, list[tuple[str, int, str]]] = {}
    for account in ledger.installations.values_list(
        "server_accounts__person_key", "hostname", "server_accounts__user_id", "server_accounts__primary_address"
    ):
        owned.setdefault(account[0], []).append(account[1:])
    return ledger, [
        Someone(row, known.get(row.member.number) if row.member else None, owned.get(row.person_key, []))
        for row in ledger.licenses.select_related("member")
    ]


def _imported(number: int, said: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": number,
        "login": said["login"],
        "name": said["name"],
        "member_roles": sorted(said["member_roles"]),
        "enterprise_roles": sorted(said["enterprise_roles"]),
        "outside_collaborator": [
            {"repository": repository, "visibility": "private", "pending": is_pending}
            for repository, is_pending in sorted(said["outside"])
        ],
        "pending_invites": sorted(said["pending_invites"]),
        "two_factor": said["two_factor"],
        "visual_studio": said["visual_studio"],
        "emails": [{"email": value, "verified": True} for value in sorted(said["verified"])]
        + [{"email": value, "verified": False} for value in sorted(said["others"] - said["verified"])],
        "identities": [{"attribute": "NameID", "value": value} for value in sorted(said["identities"])],
    }


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(members, min_size=2, max_size=6), accounts, accounts, st.booleans(), st.randoms())
def test_any_combination_finds_whom_plain_python_finds(
    listed: list[dict[str, Any]], one: dict[int, str], two: dict[int, str], is_managed: bool, chance: random.Random
) -> None:
    with transaction.atomic():
        ledger, everybody = _write(listed, one, two, chance)
        ledger.managed_users = is_managed
        ledger.save()
        for wish in wishes(chance):
            meant = [each for each in everybody if is_meant(each, wish, DOMAINS, is_managed=is_managed)]
            # Whether an index names the few first must change nothing.
            finding.FEW = chance.choice([0, 1, 500])  # type: ignore[misc]
            _assert_agree(ledger, PeopleFilter.from_query(wish), _sorted(meant, wish["sort"]), chance)
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "FEW", finding.FEW)


def _assert_agree(ledger: Ledger, wanted: PeopleFilter, expected: list[str], chance: random.Random) -> None:
    """List, count, pages and file say the same; the last two are looked at now and then."""
    assert [row.person_key for row in people(ledger, wanted)] == expected
    counts = view_counts(people(ledger, wanted))
    assert counts["cloud"] + counts["server"] + counts["both"] == len(expected)
    assert PeopleFilter.from_query(wanted.query) == wanted
    if chance.randrange(6) == 0:
        assert list(_paged(ledger, wanted)) == expected
        rows = list(csv.reader("".join(reports.csv_lines(ledger, wanted)).splitlines()))
        assert len(rows) == len(expected) + 1


def _paged(ledger: Ledger, wanted: PeopleFilter) -> Iterator[str]:
    page = people_page(ledger, wanted, size=3)
    yield from (row.person_key for row in page.licenses)
    while page.after:
        page = people_page(ledger, wanted, after=page.after, size=3)
        yield from (row.person_key for row in page.licenses)
