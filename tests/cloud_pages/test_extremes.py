"""The pages of nobody, and of somebody with very many accounts."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from cloud.models import ConsumedLicense, Ledger, Member
from tests.cloud.books import connect, import_members, member, sync


def test_licensing_of_nobody_says_what_to_do(owner_client: Client, ledger: Ledger) -> None:
    text = " ".join(owner_client.get("/enterprises/octo/licensing").content.decode().split())

    assert "Nobody is counted yet" in text
    assert "/enterprises/octo/settings/members" in text
    assert "why?" not in text
    assert "together 0" not in text


def test_number_that_did_not_change_leads_to_who_came_and_went(owner_client: Client, ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(1, "mona@octo.example")])
    ledger.revisions.update(at=timezone.now() - timedelta(days=60))

    text = " ".join(owner_client.get("/enterprises/octo/licensing").content.decode().split())

    assert "who came and went?" in text
    assert "why?" not in text


def test_person_with_very_many_accounts_is_listed_with_a_few(owner_client: Client, ledger: Ledger) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(number, "bots@octo.example") for number in range(1, 301)])

    page = " ".join(owner_client.get("/enterprises/octo/people").content.decode().split())

    assert page.count("ghes1.octo.example:") == 20
    assert "ghes1.octo.example:20 " in page
    assert "and 280 more accounts" in page


def test_profile_of_a_file_is_a_link_only_where_it_is_a_web_address(owner_client: Client, ledger: Ledger) -> None:
    import_members(ledger, member(1, "mona"))
    mona = ledger.licenses.get()
    Member.objects.update(details={"profile": "javascript:alert(document.domain)"})

    page = owner_client.get(f"/enterprises/octo/people/{mona.pk}").content.decode()

    assert "javascript:" not in page
    assert 'href="https://github.com/mona"' in page


def test_somebody_who_goes_while_a_page_is_made_is_left_out(owner_client: Client, ledger: Ledger) -> None:
    import_members(ledger, *(member(n, name, emails=[{"email": "mona@octo.example", "verified": True}])
                             for n, name in ((1, "mona"), (2, "lisa"))))  # fmt: skip
    sync(connect(ledger, "ghes1.octo.example"), [(7, "mona@octo.example")])
    lisa = ledger.licenses.get(person_key="m:2")
    address = f"/enterprises/octo/people/{lisa.pk}"
    assert "ghes1.octo.example:7" in owner_client.get(address).content.decode()
    # As between two queries of the page.
    ConsumedLicense.objects.filter(person_key="m:1").delete()

    page = owner_client.get(address)

    assert page.status_code == 200
    assert "ghes1.octo.example:7" not in page.content.decode()
