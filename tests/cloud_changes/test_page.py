"""The page: the equation, the people of each line, the changes in between, and what is wrong with an address."""

from __future__ import annotations

import re
from datetime import UTC, timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cloud.changes import Concerned, people_between, point_now, read_point
from cloud.models import Ledger, Reason, Revision
from cloud.pages import changes
from enterprises.models import User
from tests.cloud.books import connect, import_members, member, sync

pytestmark = pytest.mark.django_db

URL = "/enterprises/octo/licensing/changes"


def text_of(client: Client, query: str, status: int = 200) -> str:
    answer = client.get(f"{URL}?{query}")
    assert answer.status_code == status
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def test_equation_says_from_where_to_where_and_why(owner_client: Client, november: Ledger) -> None:
    page = text_of(owner_client, "from=2026-11-09&to=2026-11-30")

    assert "At the beginning of Nov. 9, 2026 4 At the end of Nov. 30, 2026 6 Change +2" in page
    assert "From 4 to 6 licenses: +1 invited to the cloud; +1 new account on ghes2.octo.example; " in page
    assert "Account gone from ghes2.octo.example Deleted or suspended there" in page
    assert "−1 1 person went: nothing is kept of them." in page
    assert "Import of members revision 4" in page
    assert "Sync of ghes2.octo.example revision 3" in page
    assert "revision 2" not in page


def test_row_says_who_left_since_beside_who_is_there(owner_client: Client, november: Ledger) -> None:
    page = text_of(owner_client, "from=0")

    assert re.search(r"1 person 1 more has left since: nothing is kept of them\.", page), page


def test_line_opens_its_people_and_says_how_many_left(owner_client: Client, november: Ledger) -> None:
    lines = owner_client.get(f"{URL}?from=0").context["page"].counted
    (joined,) = (shown for shown in lines if shown.line.reason == "joined")

    page = text_of(owner_client, joined.url.partition("?")[2])

    assert "Joined the cloud" in page
    assert "1 of them has left since: nothing is kept of them." in page
    assert "mona" in page
    assert "lena" not in page
    assert all(shown.url == "" for shown in lines if shown.line.reason in {"left", "account_gone"})


def test_people_are_listed_by_name_page_by_page_without_gap_or_double(owner_client: Client, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    crowd = [(number, f"p{number:03}@octo.example") for number in range(1, changes.PEOPLE_PER_PAGE + 21)]
    sync(server, crowd[:40])
    sync(server, crowd)
    url = f"{URL}?from=0&reason=new_account&host=ghes1.octo.example"
    seen = []

    while url:
        page = owner_client.get(url).context["page"]
        seen += [person.license.label for person in page.people]
        url = page.next_url

    assert seen == [address for _number, address in crowd]
    assert len(seen) - len(page.people) == changes.PEOPLE_PER_PAGE
    assert page.first_url == f"{URL}?from=0&reason=new_account&host=ghes1.octo.example"


def test_whom_a_reason_concerned_twice_stands_there_twice_and_one_by_one(ledger: Ledger) -> None:
    emails = {name: {"email": f"{name}@octo.example", "verified": True} for name in ("zoe", "ada", "mia")}
    import_members(ledger, *(member(number, name, emails=[emails[name]]) for number, name in enumerate(emails, 1)))
    server = connect(ledger, "ghes1.octo.example")
    accounts = [(number, f"{name}@octo.example") for number, name in enumerate(["zoe", "ada", "mia", "ada"], 1)]
    sync(server, accounts[:2])
    sync(server, accounts)
    start, end = read_point(ledger, "0", is_start=True, zone=UTC), point_now(ledger)
    seen: list[Concerned] = []

    while some := people_between(
        ledger,
        start,
        end,
        reason=Reason.STAYED_NEW_ACCOUNT,
        hostname=server.hostname,
        limit=1,
        behind=seen[-1].cursor if seen else "",
    ):
        seen += some

    assert [(one.license.label, one.number) for one in seen] == [("ada", 3), ("ada", 2), ("mia", 3), ("zoe", 2)]
    assert "ada" not in seen[0].cursor


def test_changes_in_between_are_listed_page_by_page(owner_client: Client, november: Ledger) -> None:
    kept = november.revisions.get(number=4)
    for number in range(5, 5 + changes.REVISIONS_PER_PAGE):
        kept.pk, kept.number = None, number
        kept.save()

    first = owner_client.get(f"{URL}?from=0").context["page"]
    second = owner_client.get(first.next_url).context["page"]

    numbers = [step.revision.number for page in (first, second) for step in page.steps]
    assert numbers == list(range(4 + changes.REVISIONS_PER_PAGE, 0, -1))
    assert (second.next_url, second.first_url) == ("", f"{URL}?from=0")


def test_day_is_that_of_the_reader(owner_client: Client, owner: User, november: Ledger) -> None:
    assert "4 At the end of" in text_of(owner_client, "from=2026-11-15&to=2026-11-15")
    User.objects.filter(pk=owner.pk).update(time_zone="Pacific/Kiritimati")

    page = text_of(owner_client, "from=2026-11-16&to=2026-11-16")

    assert "At the beginning of Nov. 16, 2026 4 At the end of Nov. 16, 2026 5" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=4&to=1", "The end is before the beginning."),
        ("from=2026-11-31", "“2026-11-31” is no date"),
        ("to=<script>", "“<script>” is no date"),
        ("from=99", "There is no revision 99"),
    ],
)
def test_address_that_means_nothing_is_answered_with_a_sentence(
    owner_client: Client, november: Ledger, query: str, sentence: str
) -> None:
    assert sentence in text_of(owner_client, query, status=422)


@pytest.mark.parametrize("query", ["from=0&reason=nonsense&before=x", "from=0&reason=joined&host=ghes9", "before=-1"])
def test_line_that_is_not_there_shows_the_equation(owner_client: Client, november: Ledger, query: str) -> None:
    assert "From 0 to 6 licenses" in text_of(owner_client, f"{query}&from=0")


def test_what_an_older_version_counted_is_called_not_recorded(owner_client: Client, november: Ledger) -> None:
    for kept in november.revisions.filter(number__lt=3):
        kept.reasons.all().delete()
    Revision.objects.filter(number__lt=3).update(has_reasons=False)

    page = text_of(owner_client, "from=0")

    assert "+4 not recorded" in page
    assert "Reasons were not recorded before Nov. 15, 2026." in page
    assert "Why was not recorded at that time." in " ".join(owner_client.get(f"{URL}/2").content.decode().split())


def test_account_without_any_history_has_an_empty_page(owner_client: Client, ledger: Ledger) -> None:
    page = text_of(owner_client, "")

    assert "0 licenses before and after: no license came or went." in page
    assert "Nothing was synced, imported or removed." in page


def test_billing_manager_reads_it_and_a_stranger_learns_nothing(
    client: Client, billing_manager: User, stranger: User, november: Ledger
) -> None:
    client.force_login(billing_manager)
    assert "From 0 to 6 licenses" in text_of(client, "from=0")

    client.force_login(stranger)
    assert client.get(URL).status_code == 404


def test_licensing_page_leads_there_from_the_total(owner_client: Client, november: Ledger) -> None:
    day = (timezone.now() - timedelta(days=changes.DAYS)).date()
    november.revisions.filter(number__lt=3).update(at=timezone.now() - timedelta(days=60))
    november.revisions.filter(number__gte=3).update(at=timezone.now())

    page = owner_client.get("/enterprises/octo/licensing").content.decode()

    assert f'href="{URL}?from={day}"' in page
    assert "+2 since" in page


def test_page_of_one_change_says_why(owner_client: Client, november: Ledger) -> None:
    page = owner_client.get(f"{URL}/3").content.decode()

    assert "No longer matched: primary address changed on ghes2.octo.example" in page
    assert f"{URL}?from=2&amp;to=3&amp;reason=unmatched_address&amp;host=ghes2.octo.example" in page


def test_queries_do_not_grow_with_people_and_revisions(owner_client: Client, ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")

    def queries(query: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            text_of(owner_client, query)
        return len(captured)

    sync(server, [(1, "mona@octo.example")])
    few = queries("from=0"), queries("from=0&reason=new_account&host=ghes1.octo.example")
    for count in (20, 40, 60):
        sync(server, [(number, f"p{number}@octo.example") for number in range(1, count)])

    assert (queries("from=0"), queries("from=0&reason=new_account&host=ghes1.octo.example")) == few
    assert max(few) <= 16
