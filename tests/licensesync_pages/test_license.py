"""The form of the license, and the exact lines."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect.models import Connection
from enterprises.models import AuditEvent
from licensesync import snapshot
from licensesync.models import License
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage

GOOD = {"customer": "Octo Industries", "kind": "standard", "seats": "50", "expires_on": "2027-06-30"}


def edit(client: Client, stage: Stage, **changes: str) -> tuple[int, str]:
    response = client.post(reverse("licensesync:license_edit", args=[stage.slug]), {**GOOD, **changes})
    return response.status_code, response.content.decode()


def sent(client: Client, stage: Stage, **query: str) -> str:
    return client.get(reverse("licensesync:sent", args=[stage.slug]), query).content.decode()


def test_license_is_entered_and_audited(stage: Stage, owner_client: Client) -> None:
    status, _page = edit(owner_client, stage)

    held = License.objects.get(server=stage.server)
    assert status == 302
    assert (held.customer, held.seats, str(held.expires_on)) == ("Octo Industries", 50, "2027-06-30")
    assert AuditEvent.objects.get(action="license.update").actor == stage.owner


def test_license_may_be_unlimited(stage: Stage, owner_client: Client) -> None:
    edit(owner_client, stage, seats="", is_unlimited="on", expires_on="")

    page = owner_client.get(reverse("licensesync:license", args=[stage.slug])).content.decode()

    assert License.objects.get().seats is None
    assert page.count("unlimited") == 2


@pytest.mark.parametrize("seats", ["50", "many"])
def test_unlimited_alone_decides(stage: Stage, owner_client: Client, seats: str) -> None:
    status, _page = edit(owner_client, stage, seats=seats, is_unlimited="on")

    assert status == 302
    assert License.objects.get().seats is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seats": ""}, "seats"),
        ({"seats": "-1"}, "seats"),
        ({"customer": ""}, "customer"),
        ({"expires_on": "soon"}, "expires_on"),
        ({"customer": "https://a:b@c"}, "customer"),
        ({"kind": "https://a:b@c"}, "kind"),
    ],
)
def test_mistake_stands_beside_its_field(
    stage: Stage, owner_client: Client, changes: dict[str, str], field: str
) -> None:
    status, page = edit(owner_client, stage, **changes)

    assert status == 422
    assert f'id="id_{field}_error"' in page
    assert not License.objects.exists()


def test_form_begins_with_what_is_held(stage: Stage, owner_client: Client) -> None:
    edit(owner_client, stage)

    page = owner_client.get(reverse("licensesync:license_edit", args=[stage.slug])).content.decode()

    assert 'value="Octo Industries"' in page
    assert 'value="2027-06-30"' in page


def license_page(client: Client, stage: Stage) -> str:
    return client.get(reverse("licensesync:license", args=[stage.slug])).content.decode()


@pytest.mark.parametrize(
    ("days", "words", "tone"),
    [
        (61, "in 61 days", ""),
        (60, "The license expires on", "warning"),
        (7, "The license expires on", "danger"),
        (-1, "The license has expired on", "danger"),
    ],
)
def test_end_of_the_license_is_warned_of_with_what_to_do(
    stage: Stage, owner_client: Client, days: int, words: str, tone: str
) -> None:
    scenes.expires_in(stage, days)

    page = license_page(owner_client, stage)

    assert words in page
    assert (f"Notice--{tone}" in page) if tone else ("Notice--" not in page)
    assert ("Renew it, then enter the new date here." in page) == bool(tone)


def test_expired_license_leads_to_where_it_is_updated(stage: Stage, owner_client: Client) -> None:
    scenes.synced(stage)
    scenes.license_expired(stage)
    edit = reverse("licensesync:license_edit", args=[stage.slug])

    for name in ("license", "connection"):
        page = owner_client.get(reverse(f"licensesync:{name}", args=[stage.slug])).content.decode()
        assert f'href="{edit}"' in page


def test_what_a_former_connection_brought_is_history(stage: Stage, owner_client: Client) -> None:
    scenes.synced(stage)
    now = timezone.now()
    Connection.objects.filter(pk=stage.connection.pk).update(connected_at=now, license_sync_enabled_at=now)

    page = owner_client.get(reverse("licensesync:license", args=[stage.slug])).content.decode()

    assert "First sync pending" in page
    assert "its signature was verified here" not in page
    assert "The first sync starts by itself" in page


def test_license_that_never_ends_says_so(stage: Stage, owner_client: Client) -> None:
    edit(owner_client, stage, expires_on="")

    page = license_page(owner_client, stage)

    assert "never" in page
    assert "Entered by hand" in page


def test_setup_that_is_not_completed_counts_down_here_too(stage: Stage, owner_client: Client) -> None:
    scenes.setup_pending(stage)

    page = license_page(owner_client, stage)

    assert "You have not completed the setup process." in page
    assert "Complete your GitHub Connect setup." in page
    assert "Time left:" in page


def test_setup_whose_time_is_over_is_begun_again(stage: Stage, owner_client: Client) -> None:
    scenes.setup_expired(stage)

    page = license_page(owner_client, stage)

    assert "The 5 minutes for it are over." in page
    assert "Enable GitHub Connect again." in page
    assert "Time left:" not in page


def test_what_ghes_says_is_told_from_what_was_entered(stage: Stage, owner_client: Client) -> None:
    scenes.read_from_ghes(stage)

    page = license_page(owner_client, stage)
    form = owner_client.get(reverse("licensesync:license_edit", args=[stage.slug])).content.decode()

    assert "Read from GHES" in page
    assert "not entered yet" in page
    assert "are replaced by what it says at the next reading" in form


def test_dormant_and_suspended_users_are_counted(stage: Stage, owner_client: Client) -> None:
    scenes.dormant_and_suspended(stage)

    page = license_page(owner_client, stage)

    stats = re.findall(r'Stat-label">([^<]+)</p>\s*<p class="Stat-value">\s*(?:<a[^>]*>)?(\d+)', page)
    assert {"Seats used": "11", "Dormant": "3", "Suspended": "1"}.items() <= dict(stats).items()


def test_page_shows_total_and_digest_of_what_will_be_sent(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()

    page = sent(owner_client, stage)

    assert snapshot.outgoing(stage.server).sha256 in page


def test_digest_of_what_was_sent_is_that_of_the_receipt(stage: Stage, owner_client: Client) -> None:
    scenes.unchanged(stage)
    job = snapshot.last_sent(stage.server)

    page = sent(owner_client, stage, which="last")

    assert job is not None
    assert job.sha256 in page
    assert "The cloud held exactly these lines already." in page


@pytest.mark.parametrize("page_number", ["0", "-1", "x", "99999999999999999999"])
def test_page_that_does_not_exist_shows_one_that_does(stage: Stage, owner_client: Client, page_number: str) -> None:
    stage.with_seats()

    assert "user1@octo.example" in sent(owner_client, stage, page=page_number)


def test_pages_of_a_search_keep_the_search(stage: Stage, owner_client: Client) -> None:
    stage.with_seats(120)

    page = sent(owner_client, stage, q="octo")

    assert "?q=octo&amp;page=2" in page
