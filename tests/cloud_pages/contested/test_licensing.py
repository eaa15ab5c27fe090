"""The page with the number."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from cloud.instances import instance_states
from cloud.models import Installation, Ledger
from cloud.services import disconnect_installation, remove_installation
from enterprises.models import AuditEvent, Enterprise
from tests.cloud.books import NOW, connect, sync
from tests.cloud_pages.scenes import HOSTS

URL = "/enterprises/octo/licensing"


def _text(client: Client, url: str = URL) -> str:
    return " ".join(client.get(url).content.decode().split())


def test_licensing_shows_what_license_sync_saves(owner_client: Client, contested: Ledger) -> None:
    totals = owner_client.get(URL).context["totals"]

    assert (totals.counted_apart, totals.consumed, totals.saved) == (35, 25, 10)
    assert (totals.purchased, totals.available) == (30, 5)


def test_licensing_explains_a_list_longer_than_the_total(owner_client: Client, contested: Ledger) -> None:
    assert "The list of people is 1 longer than the total" in _text(owner_client)


def test_each_number_leads_to_the_people_whom_it_counts(owner_client: Client, contested: Ledger) -> None:
    page = owner_client.get(URL)
    text = " ".join(page.content.decode().split())

    links = re.findall(r'<a href="(/enterprises/octo/people[^"]*)">([0-9]+)</a>', text)

    assert len(links) == 13
    for address, number in links:
        shown = owner_client.get(address.replace("&amp;", "&")).context["total"]
        # The stat counts licenses, and leads to everybody.
        assert shown == int(number) or (address, number) == ("/enterprises/octo/people", "25")
    parts = page.context["breakdown"].parts
    assert sum(part.enterprise for part in parts) == page.context["totals"].consumed == 25
    assert sum(part.visual_studio for part in parts) == page.context["totals"].listed_not_counted == 1


def test_servers_that_need_somebody_come_first(owner_client: Client, contested: Ledger) -> None:
    Installation.objects.update(last_sync_at=timezone.now(), taken_at=timezone.now())
    connect(contested, "ghes3.octo.example")
    failed = connect(contested, "ghes4.octo.example")
    Installation.objects.filter(pk=failed.pk).update(last_status="failure", last_error="No.")

    hosts = [state.installation.hostname for state in owner_client.get(URL).context["instances"]]

    assert hosts == [f"ghes{number}.octo.example" for number in (4, 3, 1, 2)]


def test_many_servers_have_pages_and_all_can_be_chosen(owner_client: Client, contested: Ledger) -> None:
    for number in range(30):
        connect(contested, f"more{number}.octo.example")

    first, second = (owner_client.get(URL, {"page": number, "range": "all"}) for number in (1, 2))

    assert [len(response.context["instances"]) for response in (first, second)] == [25, 7]
    assert second.content.decode().count("<option value=") == 33
    assert "32 need somebody" in " ".join(second.content.decode().split())
    assert 'href="?page=1&amp;range=all#instances"' in second.content.decode()


def test_disconnected_server_is_said_to_count(owner_client: Client, contested: Ledger) -> None:
    disconnect_installation(installation=Installation.objects.get(hostname=HOSTS[0]), by=None, at=NOW)

    assert "Nothing comes any more; its people count until an owner removes it here." in _text(owner_client)


def test_licensing_shows_over_consumption_and_locks_nobody_out(owner_client: Client, contested: Ledger) -> None:
    Ledger.objects.update(seats_purchased=20)

    response = owner_client.get(URL)

    assert response.context["totals"].available == -5
    assert "5 licenses more are consumed than were purchased. Nobody is locked out." in " ".join(
        response.content.decode().split()
    )


def test_licensing_has_github_s_status_lines(owner_client: Client, contested: Ledger) -> None:
    connect(contested, "ghes3.octo.example")

    text = _text(owner_client)

    assert "GitHub Connect server usage synced" in text
    assert "GitHub Connect server usage never synced" in text


def test_licensing_says_when_a_server_is_stale(owner_client: Client, contested: Ledger) -> None:
    states = owner_client.get(URL).context["instances"]

    assert {str(state.label) for state in states} == {"Stale"}
    assert all(state.is_overdue for state in states)


@pytest.mark.parametrize(
    ("record", "is_off"),
    [
        ({"features": []}, True),
        ({"features": [{"name": "license_sync", "enabled_at": None}]}, True),
        ({"features": [{"name": "license_sync", "enabled_at": "2026-01-01T00:00:00Z"}]}, False),
        ({}, False),
    ],
)
def test_late_server_that_was_switched_off_is_told_apart(
    record: dict[str, object], is_off: bool, owner_client: Client, contested: Ledger
) -> None:
    Installation.objects.update(record=record)

    text = _text(owner_client)

    assert ("License sync is off on this server" in text) is is_off
    assert ("Next report was expected" in text) is not is_off


OFF = {"features": [{"name": "license_sync", "enabled_at": None}]}


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Up to date"),
        ({"record": OFF, "record_at": NOW + timedelta(hours=1)}, "License sync is off"),
        ({"record": OFF, "record_at": NOW - timedelta(hours=1)}, "Up to date"),
        ({"last_status": "failure", "last_error": "No."}, "Last sync failed"),
        (
            {
                "last_status": "failure",
                "last_error": "The server is connected under another hostname: it was renamed or copied.",
            },
            "Waits for the server's owner",
        ),
        ({"last_status": "failure", "record": OFF, "record_at": NOW + timedelta(hours=1)}, "License sync is off"),
        ({"last_status": "pending"}, "Sync under way"),
        ({"taken_at": NOW - timedelta(days=9)}, "Synced, with seats of Feb. 21, 2026"),
        ({"taken_at": NOW - timedelta(days=7)}, "Up to date"),
    ],
)
def test_state_of_a_server_is_what_the_cloud_was_told_last(
    contested: Ledger, changes: dict[str, object], label: str
) -> None:
    Installation.objects.update(last_sync_at=NOW, last_attempt_at=NOW, taken_at=NOW)
    Installation.objects.update(**changes)

    states = instance_states(contested, NOW + timedelta(hours=2))

    assert {str(state.label) for state in states} == {label}
    assert all((state.next_expected_at is None) is (label == "License sync is off") for state in states)


def test_licenses_only_a_server_adds_are_what_removing_it_frees(owner_client: Client, contested: Ledger) -> None:
    before = owner_client.get(URL).context["totals"].consumed
    added = {state.installation.pk: state.added_licenses for state in owner_client.get(URL).context["instances"]}
    installation = Installation.objects.get(hostname="ghes2.octo.example")

    remove_installation(installation=installation, by=None, at=NOW)

    assert before - owner_client.get(URL).context["totals"].consumed == added[installation.pk] > 0


def test_licensing_costs_the_same_however_many_people_and_servers(
    owner_client: Client, contested: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        sync(
            connect(contested, f"more{number}.octo.example"),
            [(user, f"{user}@{number}.example") for user in range(1, 30)],
        )

    with django_assert_max_num_queries(17):
        owner_client.get(URL)


def test_report_has_a_row_for_every_person(owner_client: Client, contested: Ledger) -> None:
    response = owner_client.get(f"{URL}/report.csv")

    rows = list(csv.reader(io.StringIO(response.getvalue().decode())))
    assert response["Content-Disposition"].startswith('attachment; filename="consumed_licenses-octo-')
    assert len(rows) - 1 == 26


def test_report_is_audited(owner_client: Client, contested: Ledger, cloud_enterprise: Enterprise) -> None:
    owner_client.get(f"{URL}/report.csv")

    assert AuditEvent.objects.get(action="report.download").actor_name == "olivia"


def test_purchased_licenses_are_changed_and_audited(owner_client: Client, contested: Ledger) -> None:
    owner_client.post(f"{URL}/seats", {"seats_purchased": "40"})

    event = AuditEvent.objects.get(action="license.update")
    assert owner_client.get(URL).context["totals"].purchased == 40
    assert (event.before, event.after) == ({"seats_purchased": 30}, {"seats_purchased": 40})


@pytest.mark.parametrize("value", ["", "-1", "many", "99999999999"])
def test_purchased_licenses_must_be_a_number(owner_client: Client, contested: Ledger, value: str) -> None:
    response = owner_client.post(f"{URL}/seats", {"seats_purchased": value})

    assert response.status_code == 422
    assert owner_client.get(URL).context["totals"].purchased == 30


def _remove_url(hostname: str) -> str:
    return f"{URL}/instances/{Installation.objects.get(hostname=hostname).pk}/remove"


def _shown(client: Client, url: str) -> dict[str, object]:
    """What the page of a removal says, as its form sends it along."""
    return {**client.get(url).context["form"].initial}


def test_removing_an_instance_shows_the_effect_first(owner_client: Client, contested: Ledger) -> None:
    text = _text(owner_client, _remove_url("ghes2.octo.example"))

    assert "The 7 accounts that ghes2.octo.example reported are deleted" in text
    assert "Consumed licenses go from 25 to 21: 4 are counted only because of this server." in text
    assert "4 people go: no other account of theirs is known." in text
    assert "1 person stays, consuming a license on the cloud." in text
    assert "2 people stay, through accounts on other servers." in text
    assert Installation.objects.filter(hostname="ghes2.octo.example").exists()


def test_removing_an_instance_purges_its_people(owner_client: Client, contested: Ledger) -> None:
    url = _remove_url("ghes2.octo.example")

    response = owner_client.post(url, _shown(owner_client, url), follow=True)

    totals = response.context["totals"]
    assert "ghes2.octo.example and its people were removed: 4 licenses are free again." in response.content.decode()
    assert (totals.server_seats, totals.counted_apart, totals.consumed) == (15, 28, 21)
    event = AuditEvent.objects.get(action="enterprise_installation.destroy")
    assert event.after == {"people_removed": 4, "licenses_freed": 4}


def test_removing_an_instance_does_what_was_shown_or_nothing(owner_client: Client, contested: Ledger) -> None:
    url = _remove_url("ghes2.octo.example")
    shown = _shown(owner_client, url)
    sync(Installation.objects.get(hostname="ghes2.octo.example"), [(1, "new@octo.example")])

    changed = owner_client.post(url, shown)

    assert changed.status_code == 409
    assert "nothing was removed" in changed.content.decode()
    assert Installation.objects.filter(hostname="ghes2.octo.example").exists()
    assert owner_client.post(url, changed.context["form"].initial).status_code == 302


def test_removing_an_instance_without_having_seen_the_effect_shows_it(owner_client: Client, contested: Ledger) -> None:
    page = owner_client.post(_remove_url("ghes2.octo.example"))

    assert "4 people go: no other account of theirs is known." in " ".join(page.content.decode().split())
    assert Installation.objects.count() == 2


def test_an_instance_of_another_account_cannot_be_removed(owner_client: Client, contested: Ledger) -> None:
    from tests.cloud.books import open_books

    foreign = connect(open_books("foreign"), "ghes9.octo.example")

    assert owner_client.post(f"{URL}/instances/{foreign.pk}/remove").status_code == 404
    assert Installation.objects.filter(pk=foreign.pk).exists()
