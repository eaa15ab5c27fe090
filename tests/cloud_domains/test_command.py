"""The command domains: what the page of domains says, and what its buttons do."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cloud.domains import proving
from cloud.domains.names import challenge_name
from cloud.models import DomainChallenge, Ledger, VerifiedDomain
from enterprises.models import AuditEvent
from tests.cloud.books import import_members, member
from tests.cloud_domains.dns_server import DnsServer

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

DOMAIN = "octo.example"
NAME = challenge_name("octo", DOMAIN)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("domains", "octo", *arguments, stdout=out)
    return out.getvalue().strip()


def told(*arguments: str) -> dict[str, Any]:
    return dict(json.loads(run(*arguments, "--json")))


def test_way_from_nothing_to_a_verified_domain(ledger: Ledger, dns_server: DnsServer) -> None:
    assert run("list").startswith("octo has no domains.")

    added = told("add", "Octo.Example")["domain"]
    with pytest.raises(CommandError, match=r"DNS knows no such name\. Publish the record, then verify\."):
        run("verify", DOMAIN)
    dns_server.txt(added["record_name"], added["record_value"])
    verified = told("verify", DOMAIN)["domain"]

    assert (added["state"], added["record_name"], added["is_effective"]) == ("pending", NAME, False)
    assert (verified["state"], verified["is_effective"], verified["outcome"]) == ("verified", True, "found")
    assert verified["code_expires_at"] is None
    assert AuditEvent.objects.latest("pk").action == "enterprise_domain.verify"
    assert run("delete", DOMAIN) == "octo.example was deleted."
    assert not VerifiedDomain.objects.exists()


def test_list_says_the_same_as_the_page(ledger: Ledger) -> None:
    import_members(
        ledger,
        member(1, "ana", emails=[{"email": "ana@octo.example", "verified": True}], member_roles=["octo:Member"]),
        member(2, "ben", emails=[{"email": "ben@octo.example", "verified": False}], member_roles=["octo:Member"]),
    )
    run("add", DOMAIN)
    run("approve", DOMAIN)

    line, listed = run("list"), told("list")

    assert line.startswith("octo.example: Approved. An owner approved it on ")
    assert line.endswith("Members without an address on a verified or approved domain: 1.")
    assert [(each["domain"], each["state"], each["members"]) for each in listed["domains"]] == [(DOMAIN, "approved", 1)]
    assert listed["members_without"] == 1


def test_code_that_is_over_is_replaced_by_command(ledger: Ledger) -> None:
    proving.add(ledger=ledger, domain=DOMAIN, by=None, at=timezone.now() - timedelta(days=8))

    with pytest.raises(CommandError, match="the action code makes a new one"):
        run("verify", DOMAIN)
    said = run("code", DOMAIN)

    assert said.endswith(f'{NAME} TXT "{DomainChallenge.objects.get().code}"')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", ""), "Enter a domain"),
        (("add", "192.0.2.1"), "An IP address is no domain."),
        (("add", "gmail.com"), "Say --yes if it is meant."),
        (("approve", "co.uk"), "Say --yes if it is meant."),
        (("add", "labs.example"), "octo has labs.example already."),
        (("verify", DOMAIN), "octo has no domain octo.example"),
        (("code", DOMAIN), "octo has no domain octo.example"),
        (("approve", DOMAIN), "octo has no domain octo.example"),
        (("delete", DOMAIN), "octo has no domain octo.example"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], said: str, ledger: Ledger) -> None:
    run("add", "labs.example")

    with pytest.raises(CommandError, match=said):
        run(*arguments)


def test_operator_may_insist_and_has_to_name_an_account(ledger: Ledger) -> None:
    assert told("add", "gmail.com", "--yes")["domain"]["state"] == "pending"
    with pytest.raises(CommandError, match="There is no cloud account 'nobody'"):
        call_command("domains", "nobody", "list")
