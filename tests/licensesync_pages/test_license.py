"""The form of the license, and the exact lines."""

import pytest
from django.test import Client
from django.urls import reverse

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
