"""The pages of domains: what an owner does there, and what everybody reads."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cloud.domains import proving
from cloud.domains.names import challenge_name
from cloud.models import DomainChallenge, Ledger, VerifiedDomain
from enterprises.models import User
from tests.cloud.books import import_members, member
from tests.cloud_domains.dns_server import DnsServer

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

URL = "/enterprises/octo/settings/domains"
DOMAIN = "octo.example"
PAGE = f"{URL}/{DOMAIN}"


def words(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def with_members(ledger: Ledger) -> None:
    """Two on the domain, one of them on another one as well, and one on neither."""
    import_members(
        ledger,
        person(1, "ana", "ana@octo.example", "ana@labs.example"),
        person(2, "ben", "BEN@Octo.Example"),
        person(3, "cleo", "cleo@mail.example"),
    )


def person(number: int, login: str, *addresses: str) -> dict[str, Any]:
    emails = [{"email": address, "verified": True} for address in addresses]
    return member(number, login, emails=emails, member_roles=["octo:Member"])


def test_way_from_nothing_to_a_verified_domain(owner_client: Client, ledger: Ledger, dns_server: DnsServer) -> None:
    with_members(ledger)
    assert "No domain is verified or approved yet." in words(owner_client, URL)

    added = owner_client.post(f"{URL}/new", {"domain": " Octo.Example. "})
    page = words(owner_client, added["Location"])
    challenge = DomainChallenge.objects.get()
    assert added["Location"] == PAGE
    assert challenge_name("octo", DOMAIN) in page
    assert challenge.code in page
    assert "These addresses are not shown as long as" in page

    refused = owner_client.post(f"{PAGE}/verify", follow=True).content.decode()
    assert "octo.example could not be verified. DNS knows no such name. Publish the record, then verify." in refused

    dns_server.txt(challenge_name("octo", DOMAIN), challenge.code)
    assert "octo.example is verified." in owner_client.post(f"{PAGE}/verify", follow=True).content.decode()
    assert "These addresses are shown on pages" in words(owner_client, PAGE)
    assert VerifiedDomain.objects.get().verified_at is not None


def test_list_says_who_is_on_a_domain_and_who_is_on_none(
    owner_client: Client, client: Client, ledger: Ledger, billing_manager: User
) -> None:
    with_members(ledger)
    proving.approve(ledger=ledger, domain=DOMAIN, by=None, at=timezone.now())

    page = words(owner_client, URL)

    assert re.search(
        r"octo\.example Approved .* without proof\. .*To prove that it is yours.* 2 members on octo.example Delete",
        page,
    )
    assert "1 of 3 listed members has neither a verified address nor an identity on a verified" in page
    assert "No server account is matched with any of them." in page
    listed = owner_client.get("/enterprises/octo/people?domain=none")
    assert [person.license.label for person in listed.context["people"]] == ["cleo"]
    client.force_login(billing_manager)
    assert "Delete" not in words(client, URL)
    assert "Add a domain" not in words(client, URL)


def test_domain_of_many_members_is_proposed_and_one_of_few_is_not(owner_client: Client, ledger: Ledger) -> None:
    import_members(
        ledger,
        *(person(number, f"m{number}", f"m{number}@many.example") for number in range(1, 6)),
        *(person(number, f"m{number}", f"m{number}@gmail.com") for number in range(6, 12)),
        person(20, "few", "me@my-own.example"),
    )

    page = words(owner_client, URL)

    assert "Add many.example 5 listed members have an address there." in page
    assert "my-own.example" not in page
    assert "gmail.com" not in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter a domain, such as octo.example."),
        ("mona@octo.example", "Enter the domain alone: what stands behind the @"),
        ("192.0.2.1", "An IP address is no domain."),
        ("<script>", "This is no domain"),
        ("x" * 301, "The domain is too long"),
        ("octo.example", "This domain is there already."),
        ("gmail.com", "it is a provider of e-mail"),
    ],
)
def test_mistakes_are_said_at_the_field(typed: str, said: str, owner_client: Client, ledger: Ledger) -> None:
    proving.add(ledger=ledger, domain=DOMAIN, by=None, at=timezone.now())

    response = owner_client.post(f"{URL}/new", {"domain": typed})

    assert response.status_code == 422
    assert said in response.content.decode()
    assert "<script>" not in response.content.decode().partition("<main")[2]
    assert DomainChallenge.objects.count() == 1


def test_owner_may_insist(owner_client: Client, ledger: Ledger) -> None:
    assert owner_client.post(f"{URL}/new", {"domain": "gmail.com", "confirmed": "on"}).status_code == 302
    assert DomainChallenge.objects.get().domain == "gmail.com"


def test_approving_and_deleting_say_whose_addresses_it_is_about(owner_client: Client, ledger: Ledger) -> None:
    with_members(ledger)
    now = timezone.now()
    proving.add(ledger=ledger, domain=DOMAIN, by=None, at=now)
    proving.approve(ledger=ledger, domain="labs.example", by=None, at=now)

    assert "The addresses of 2 listed members there are shown" in words(owner_client, f"{PAGE}/approve")
    assert "so nothing changes" in words(owner_client, f"{PAGE}/delete")
    owner_client.post(f"{PAGE}/approve")
    effect = words(owner_client, f"{PAGE}/delete")
    owner_client.post(f"{PAGE}/delete")

    assert "The addresses of 2 listed members there are not shown any more" in effect
    assert "1 of them has no address on another verified or approved domain." in effect
    assert [row.domain for row in VerifiedDomain.objects.all()] == ["labs.example"]
    assert owner_client.get(PAGE).status_code == 404


def test_code_that_is_over_is_replaced(owner_client: Client, ledger: Ledger) -> None:
    proving.add(ledger=ledger, domain=DOMAIN, by=None, at=timezone.now() - timedelta(days=8))
    before = DomainChallenge.objects.get().code

    assert "Code expired" in words(owner_client, PAGE)
    assert before not in words(owner_client, PAGE)
    assert "DNS was not asked" in owner_client.post(f"{PAGE}/verify", follow=True).content.decode()
    owner_client.post(f"{PAGE}/code")

    assert DomainChallenge.objects.get().code in words(owner_client, PAGE)


def test_looks_have_a_rate(owner_client: Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    proving.add(ledger=ledger, domain=DOMAIN, by=None, at=timezone.now() - timedelta(days=8))
    monkeypatch.setattr("cloud.views.domains.MAX_LOOKS_A_MINUTE", 1)

    # One of two minutes at least holds two of three looks.
    statuses = [owner_client.post(f"{PAGE}/verify").status_code for _time in range(3)]

    assert statuses[0] == 302
    assert 429 in statuses


@pytest.mark.parametrize("domain", ["nobody.example", "..", "%00", "a%2Fb", "x" * 300])
def test_domain_that_is_not_there_is_not_found(domain: str, owner_client: Client, ledger: Ledger) -> None:
    assert owner_client.get(f"{URL}/{domain}").status_code == 404
    assert owner_client.post(f"{URL}/{domain}/delete").status_code == 404
