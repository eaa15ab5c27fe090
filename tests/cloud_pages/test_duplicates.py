"""Probably the same person: what an owner reads and decides there, and what a billing manager does not see."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cloud.models import Installation, Ledger, Suspect, SuspectRun
from cloud.suspects.evidence import Evidence, Fix
from enterprises.models import AuditEvent, User
from tests.cloud.books import NOW, connect, import_members, member, sync
from tests.cloud.pairs import held, note_pair

pytestmark = pytest.mark.django_db

URL = "/enterprises/octo/licensing/duplicates"
SECRET = "mona@nowhere.example"
HOST = "ghes1.octo.example"
State = Suspect.State


@pytest.fixture
def server(ledger: Ledger) -> Installation:
    """Mona, Ada and Bert are members; three accounts of the server are nobody's."""
    import_members(
        ledger,
        *(
            member(number, login, emails=[{"email": f"{login}@octo.example", "verified": True}])
            for number, login in enumerate(("mona", "ada", "bert"), start=1)
        ),
    )
    server = connect(ledger, HOST)
    sync(server, [(number, f"{login}@home.example") for number, login in enumerate(("mona", "ada", "bert"), start=1)])
    ledger.refresh_from_db()
    return server


@pytest.fixture
def pair(ledger: Ledger, server: Installation) -> Suspect:
    """Mona holds an address on the server that nobody knows of, besides."""
    evidence = Evidence(
        kind="secondary",
        score=97,
        first=held(SECRET, role="unverified"),
        second=held(SECRET, role="secondary", installation=server.pk, user_id=1),
    )
    verify = Fix(action="verify", address="mona@home.example", number=1, installation=None, user_id=None, more=0)
    primary = Fix(action="primary", address=SECRET, number=None, installation=server.pk, user_id=1, more=2)
    return note_pair(ledger, "m:1", "a:mona@home.example", evidence=[evidence], fixes=[verify, primary])


@pytest.fixture
def manager_client(billing_manager: User) -> Client:
    client = Client()
    client.force_login(billing_manager)
    return client


def page_of(client: Client, address: str = URL) -> str:
    return " ".join(client.get(address).content.decode().split())


def decide(client: Client, *entries: Suspect, **fields: Any) -> str:
    data = {"entry": [entry.pk for entry in entries], **fields}
    return " ".join(client.post(f"{URL}/decide", data, follow=True).content.decode().split())


def state_of(entry: Suspect) -> str:
    entry.refresh_from_db()
    return entry.state


def test_owner_reads_both_the_evidence_and_the_fix(owner_client: Client, pair: Suspect) -> None:
    page = page_of(owner_client, f"{URL}/{pair.pk}")

    assert f"<mark>{SECRET}</mark> is both: address that is not verified, and secondary address on {HOST}" in page
    assert "Add mona@home.example as a verified email of mona." in page
    assert f"Make {SECRET} the primary email of {HOST}:1, and of 2 other accounts of the same person." in page
    assert f"open Settings &gt; Emails, and make {SECRET} your primary email." in page


def test_states_of_an_entry_agree_in_french(owner: User, owner_client: Client, pair: Suspect) -> None:
    User.objects.filter(pk=owner.pk).update(language="fr")
    decide(owner_client, pair, do="dismiss", reason="different")

    page = page_of(owner_client, f"{URL}/{pair.pk}")

    assert "Écartée" in page
    assert all(word in page_of(owner_client) for word in ("Ouverte", "Confirmée", "Disparue"))


@pytest.mark.parametrize("where", ["", "/{pk}"])
def test_billing_manager_sees_the_entry_without_what_only_proves_it(
    manager_client: Client, pair: Suspect, where: str
) -> None:
    page = page_of(manager_client, URL + where.format(pk=pair.pk))

    assert "mona@home.example" in page
    assert "an address that is not shown" in page
    assert SECRET not in page
    assert 'name="do"' not in page


def test_billing_manager_does_not_learn_a_secondary_address_from_the_other_side(
    manager_client: Client, ledger: Ledger, server: Installation
) -> None:
    evidence = Evidence(
        kind="secondary",
        score=97,
        first=held("ada@home.example", role="secondary", installation=server.pk, user_id=1),
        second=held("ada@home.example", installation=server.pk, user_id=2),
    )
    fix = Fix(action="primary", address="ada@home.example", number=None, installation=server.pk, user_id=1, more=0)
    pair = note_pair(ledger, "a:mona@home.example", "a:ada@home.example", evidence=[evidence], fixes=[fix])

    page = page_of(manager_client, f"{URL}/{pair.pk}")

    assert "<mark>" not in page
    assert "Make the address that suggests it the primary email of" in page
    assert "make ada@home.example your primary email" not in page
    assert "<mark>ada@home.example</mark>" not in page_of(manager_client)


def test_list_is_the_most_probable_first_and_has_numbers(owner_client: Client, ledger: Ledger, pair: Suspect) -> None:
    note_pair(ledger, "m:2", "a:ada@home.example", score=60, kind="local_part")
    note_pair(ledger, "m:3", "a:bert@home.example", score=99, state=State.DISMISSED)

    page = page_of(owner_client)

    assert 0 < page.index("mona / mona@home.example") < page.index("ada / ada@home.example")
    assert "bert / bert@home.example" not in page
    assert "bert / bert@home.example" in page_of(owner_client, f"{URL}?state=dismissed")


def test_filters_narrow_the_list(owner_client: Client, owner: User, ledger: Ledger, pair: Suspect) -> None:
    note_pair(ledger, "m:2", "a:ada@home.example", kind="local_part", assignee=owner)
    connect(ledger, "ghes2.octo.example")

    def listed(query: str) -> tuple[bool, bool]:
        page = page_of(owner_client, f"{URL}?{query}")
        return "mona / mona" in page, "ada / ada" in page

    assert listed("kind=secondary") == (True, False)
    assert listed("kind=local_part") == (False, True)
    assert listed("assigned=me") == (False, True)
    assert listed("assigned=nobody") == (True, False)
    assert listed(f"assigned={owner.username}") == (False, True)
    assert listed(f"server={HOST}") == (True, True)
    assert listed("server=ghes2.octo.example") == (False, False)
    assert listed("kind=nonsense&server=nonsense&after=nonsense") == (True, True)


def test_control_characters_in_the_address_narrow_nothing(owner_client: Client, pair: Suspect) -> None:
    page = owner_client.get(URL, dict.fromkeys(("state", "kind", "server", "assigned", "after", "before"), "a\x00b"))

    assert page.status_code == 200
    assert [entry.suspect for entry in page.context["page"].entries] == [pair]


def test_pages_follow_each_other_though_entries_leave(
    owner_client: Client, ledger: Ledger, server: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.pages.duplicates.PER_PAGE", 1)
    pairs = [
        note_pair(ledger, f"m:{number}", f"a:{login}@home.example")
        for number, login in enumerate(("mona", "ada", "bert"), start=1)
    ]

    first = owner_client.get(URL).context["page"]
    decide(owner_client, pairs[0], do="dismiss", reason="different")
    second = owner_client.get(first.next_url).context["page"]
    third = owner_client.get(second.next_url).context["page"]

    assert [page.entries[0].suspect for page in (first, second, third)] == pairs
    assert third.next_url == ""
    assert owner_client.get(third.previous_url).context["page"].entries[0].suspect == pairs[1]


def test_owner_assigns_to_whoever_has_a_role(owner_client: Client, billing_manager: User, pair: Suspect) -> None:
    page = decide(owner_client, pair, do="assign", assignee=billing_manager.username)

    pair.refresh_from_db()
    assert "1 entry was assigned." in page
    assert pair.assignee == billing_manager
    event = AuditEvent.objects.get(action="duplicate.assign")
    assert event.after == {"entries": [pair.pk], "assignee": billing_manager.username}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"do": "assign", "assignee": ""}, "1 entry is assigned to nobody now."),
        ({"do": "dismiss", "reason": "different"}, "1 entry was dismissed."),
        ({"do": "wait"}, "1 entry waits for the next sync now."),
    ],
)
def test_what_became_of_the_entry_is_said(
    owner_client: Client, owner: User, pair: Suspect, fields: dict[str, str], sentence: str
) -> None:
    decide(owner_client, pair, do="assign", assignee=owner.username)

    assert sentence in decide(owner_client, pair, **fields)
    assert fields["do"] == "assign" or "1 entry is open again." in decide(
        owner_client, pair, do={"dismiss": "restore", "wait": "reopen"}[fields["do"]]
    )


def test_nobody_without_a_role_takes_an_entry(owner_client: Client, stranger: User, pair: Suspect) -> None:
    for name in (stranger.username, "nobody-at-all"):
        assert "needs a role in this account" in decide(owner_client, pair, do="assign", assignee=name)

    pair.refresh_from_db()
    assert pair.assignee is None


def test_dismissal_has_a_reason_is_audited_and_taken_back(owner_client: Client, pair: Suspect) -> None:
    assert "Say why the entry is dismissed." in decide(owner_client, pair, do="dismiss")

    decide(owner_client, pair, do="dismiss", reason="machine")
    assert state_of(pair) == State.DISMISSED
    assert "One of them is a machine account" in page_of(owner_client, f"{URL}/{pair.pk}")

    decide(owner_client, pair, do="restore")
    assert (state_of(pair), pair.reason) == (State.OPEN, "")
    actions = AuditEvent.objects.filter(action__startswith="duplicate.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["duplicate.dismiss", "duplicate.restore"]


def test_dismissal_of_people_who_are_away_ends_when_it_is_taken_back(
    owner_client: Client, ledger: Ledger, server: Installation, pair: Suspect
) -> None:
    decide(owner_client, pair, do="dismiss", reason="different")
    sync(server, [(2, "ada@home.example")])
    assert (state_of(pair), pair.first_key) == (State.DISMISSED, "")

    decide(owner_client, pair, do="restore")

    assert state_of(pair) == State.GONE


def test_fix_is_announced_waits_and_returns_with_what_is_there_still(
    owner_client: Client, server: Installation, pair: Suspect
) -> None:
    decide(owner_client, pair, do="wait", fix="2", **{"from": str(pair.pk)})
    assert state_of(pair) == State.WAITING
    Suspect.objects.update(state_at=NOW)
    assert "Announced" in page_of(owner_client, f"{URL}/{pair.pk}")

    sync(server, [(1, "mona@home.example"), (2, "ada@home.example")])

    page = page_of(owner_client, f"{URL}/{pair.pk}")
    assert f"It returned: the sync of {HOST} of March 2, 2026 did not change it." in page
    assert "The primary address there is mona@home.example." in page


def test_fix_that_is_not_there_is_not_announced(owner_client: Client, pair: Suspect) -> None:
    assert "The entry has changed meanwhile." in decide(owner_client, pair, do="wait", fix="9")
    assert state_of(pair) == State.OPEN


def test_announcement_is_withdrawn(owner_client: Client, pair: Suspect) -> None:
    decide(owner_client, pair, do="wait")
    decide(owner_client, pair, do="reopen")

    assert (state_of(pair), pair.awaited) == (State.OPEN, None)


def test_confirmed_entry_says_so_and_so_do_the_books_of_savings(
    owner_client: Client, manager_client: Client, server: Installation, pair: Suspect
) -> None:
    sync(server, [(1, "mona@octo.example"), (2, "ada@home.example"), (3, "bert@home.example")])

    sentence = f"Confirmed: 1 license freed by the sync of {HOST} of March 2, 2026."
    assert sentence in page_of(owner_client, f"{URL}/{pair.pk}")
    assert "/licensing/changes/" in page_of(owner_client, f"{URL}/{pair.pk}")
    assert "Who is there now" in page_of(owner_client, f"{URL}/{pair.pk}")
    assert sentence in page_of(manager_client, f"{URL}?state=confirmed")
    savings = page_of(manager_client, "/enterprises/octo/licensing/savings")
    assert f"Sync of {HOST}</a>" in savings
    assert "Proved savings: 1 license." in page_of(owner_client, "/enterprises/octo/licensing")


def test_all_that_are_shown_are_decided_at_once(owner_client: Client, ledger: Ledger, pair: Suspect) -> None:
    other = note_pair(ledger, "m:2", "a:ada@home.example")
    shown = [pair.pk, other.pk]

    page = decide(owner_client, do="dismiss", reason="different", all="1", shown=shown)

    assert "2 entries were dismissed." in page
    assert AuditEvent.objects.get(action="duplicate.dismiss").after == {"entries": shown, "reason": "different"}


def test_nothing_checked_changes_nothing(owner_client: Client, pair: Suspect) -> None:
    assert "Nothing was checked" in decide(owner_client, do="dismiss", reason="different")
    assert state_of(pair) == State.OPEN


def test_entry_of_another_account_is_out_of_reach(owner_client: Client, pair: Suspect, stranger: User) -> None:
    Suspect.objects.update(state=State.CONFIRMED)

    assert "Nothing was changed" in decide(owner_client, pair, do="dismiss", reason="different")
    assert owner_client.get(f"{URL}/{pair.pk + 1}").status_code == 404


@pytest.mark.parametrize(
    "data", [{"do": "erase"}, {"do": "dismiss", "entry": "x"}, {"do": "dismiss", "entry": ["1"] * 501}, {}]
)
def test_nonsense_is_a_bad_request(owner_client: Client, pair: Suspect, data: dict[str, Any]) -> None:
    assert owner_client.post(f"{URL}/decide", data).status_code == 400


def test_empty_list_says_whether_anybody_has_looked(owner_client: Client, ledger: Ledger) -> None:
    assert "Nobody has looked yet" in page_of(owner_client)

    SuspectRun.objects.create(ledger=ledger, requested_at=NOW, state="running", step="compare", done=5, total=8)
    assert "Comparing addresses" in page_of(owner_client)

    assert "Comparing addresses" in page_of(owner_client, f"{URL}/status")

    SuspectRun.objects.update(state="done", finished_at=NOW)
    assert "hx-get" not in page_of(owner_client, f"{URL}/status")
    assert "Nobody seems to count twice" in page_of(owner_client)


def test_owner_has_the_books_searched(owner_client: Client, owner: User, ledger: Ledger) -> None:
    page = " ".join(owner_client.post(f"{URL}/search", follow=True).content.decode().split())

    assert "The books are being searched." in page
    assert SuspectRun.objects.get().requested_by == owner


def test_searches_have_a_rate(owner_client: Client, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.views.duplicates.MAX_SEARCHES_A_MINUTE", 1)

    # One of two minutes at least holds two of three requests.
    statuses = [owner_client.post(f"{URL}/search").status_code for _time in range(3)]

    assert statuses[0] == 302
    assert 429 in statuses


def test_list_asks_a_fixed_number_of_times(
    owner_client: Client, ledger: Ledger, pair: Suspect, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    note_pair(ledger, "m:2", "a:ada@home.example")
    note_pair(ledger, "m:3", "a:bert@home.example")

    with django_assert_max_num_queries(16):
        page_of(owner_client)


def command(*arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    call_command(*arguments)
    return capsys.readouterr().out


def test_command_lists_and_decides(
    ledger: Ledger, server: Installation, pair: Suspect, owner: User, capsys: pytest.CaptureFixture[str]
) -> None:
    number = str(pair.pk)
    assert "1. Add mona@home.example as a verified email of mona." in command("duplicates", "octo", capsys=capsys)

    said = command("duplicates", "octo", "assign", number, "--to", owner.username, "--json", capsys=capsys)
    assert said == '{"changed": 1, "asked": 1}\n'
    command("duplicates", "octo", "wait", number, "--fix", "2", capsys=capsys)
    assert f'"assignee": "{owner.username}"' in command(
        "duplicates", "octo", "--state", "waiting", "--json", capsys=capsys
    )
    Suspect.objects.update(state_at=NOW)
    sync(server, [(1, "mona@octo.example"), (2, "ada@home.example"), (3, "bert@home.example")])
    assert "Proved savings: 1 licenses (1 freed, 0 taken back)." in command("proved_savings", "octo", capsys=capsys)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dismiss"], "Give the numbers"),
        (["dismiss", "{pk}"], "Say why"),
        (["wait", "{pk}", "--fix", "9"], "No entry has a fix 9"),
        (["assign", "{pk}", "--to", "strange"], "has no role"),
        (["list", "--server", "ghes9"], "There is no server"),
    ],
)
def test_command_says_what_it_needs(pair: Suspect, arguments: list[str], sentence: str, stranger: User) -> None:
    told = [part.format(pk=pair.pk).replace("strange", stranger.username) for part in arguments]

    with pytest.raises(CommandError, match=sentence):
        call_command("duplicates", "octo", *told)
