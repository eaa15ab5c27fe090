"""A person's page: every fact with its source, who else holds an address, what changed, and the worklist."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cloud.models import ConsumedLicense, Ledger, Suspect
from tests.cloud.books import NOW, connect, sync
from tests.cloud.pairs import note_pair

URL = "/enterprises/octo/people"


def _text(client: Client, label: str, query: str = "", language: str = "en") -> str:
    license_ = ConsumedLicense.objects.get(label=label)
    page = client.get(f"{URL}/{license_.pk}{query}", headers={"accept-language": language})
    return " ".join(page.content.decode().split())


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("ana", "Member of an organization: octo."),
        ("ana", "1 account on ghes1.octo.example."),
        ("ana", "People with an account on ghes2.octo.example"),
        ("ana", "Import of members, <time"),
        ("ana", "Sync of ghes1.octo.example, <time"),
        ("ana", "Came onto the list. Joined the cloud."),
        ("gil", "Billing manager of the enterprise, which alone consumes nothing."),
        ("kim", "Outside collaborator on what is public, which consumes nothing: octo/site."),
        ("max", "Why this is not counted"),
        ("max", "A Visual Studio subscription is matched with the member."),
        ("nora", "A Visual Studio subscription is not matched yet (Pending Invitation)"),
        ("dirk", "dirk holds its primary address shared@octo.example as well; dora has the lower ID"),
        ("carl", "carl has verified its primary address carl@octo.example, but for cara it is an identity"),
        ("dora", "Take the address away from whoever it does not belong to, then import the members again."),
        ("eva", "Its primary address eva@octo.example stands unverified at eva."),
    ],
)
def test_page_says_why(label: str, said: str, owner_client: Client, contested: Ledger) -> None:
    assert said in _text(owner_client, label)


def test_who_may_not_see_evidence_reads_nothing_of_it(client: Client, contested: Ledger) -> None:
    from enterprises.models import User

    client.force_login(User.objects.get(username="bill"))

    pages = [_text(client, label) for label in ("eva", "dirk", "eva@octo.example")]

    assert "stands unverified" not in pages[0]
    assert "holds its primary address" not in pages[1]
    assert "An address suggests that this is eva." in pages[2]
    assert not any("What is held" in page for page in pages)


def test_page_speaks_french_down_to_the_reasons(owner_client: Client, contested: Ledger) -> None:
    page = _text(owner_client, "ana", language="fr")

    assert "Membre d&#x27;une organisation : octo." in page
    assert "Venu sur la liste." in page
    assert not any(english in page for english in ("Member of", "account on", "Its primary", "came", "joined"))


def test_thousands_of_accounts_are_paged(
    owner_client: Client, contested: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sync(connect(contested, "ghes3.octo.example"), [(user, "robots@octo.example") for user in range(1, 121)])

    with django_assert_max_num_queries(16):
        page = _text(owner_client, "robots@octo.example", "?page=3")

    assert "Page 3 of 3" in page
    assert "120 accounts on ghes3.octo.example." in page
    assert ("ghes3.octo.example:101<" in page, "ghes3.octo.example:100<" in page) == (True, False)


def test_page_leads_to_the_worklist(owner_client: Client, client: Client, contested: Ledger) -> None:
    from enterprises.models import User

    first, second = (contested.licenses.get(label=label) for label in ("ana", "x11@spare.example"))
    fix = {"action": "verify", "address": "x11@spare.example", "number": 1, "installation": None, "user_id": None}
    pair = Suspect.objects.create(
        ledger=contested, identity="0", first_license=first, second_license=second, kind="secondary", score=97,
        fixes=[{**fix, "more": 0}], licenses_at_stake=1, found_at=NOW, found_revision=1, state_at=NOW,
    )  # fmt: skip
    client.force_login(User.objects.get(username="bill"))

    pages = [_text(browser, "x11@spare.example") for browser in (owner_client, client)]

    assert all(f'href="/enterprises/octo/licensing/duplicates/{pair.pk}"' in page for page in pages)
    assert ["Add x11@spare.example as a verified email of ana." in page for page in pages] == [True, False]


def test_what_to_do_is_said_once(owner_client: Client, contested: Ledger) -> None:
    first, second = (contested.licenses.get(label=label) for label in ("eva", "eva@octo.example"))
    before = _text(owner_client, "eva@octo.example")
    fix = {"action": "verify", "address": "eva@octo.example", "number": first.member.number if first.member else 0}
    note_pair(contested, first.person_key, second.person_key, fixes=[{**fix, "installation": None, "user_id": None}])

    page = _text(owner_client, "eva@octo.example")

    assert "Once eva has verified it on the cloud and members are imported again" in before
    assert "eva lists its primary address eva@octo.example without having verified it. <a" in page
    assert "Add eva@octo.example as a verified email of eva." in page
