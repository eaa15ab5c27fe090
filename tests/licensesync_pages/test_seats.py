"""An import on a page: choose a file, see what changes, apply; every mistake stands beside its field."""

import re
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from enterprises.models import AuditEvent, StagedUpload
from licensesync.models import Seat, SeatSource
from tests.factories import make_role, make_user
from tests.licensesync.world import ndjson, seat
from tests.licensesync_pages import scenes
from tests.licensesync_pages.scenes import Stage

CSV = b"created_at,id,login,email,role,suspended?\n2026-01-02,7,mona,Mona@Octo.Example,user,false\n"


def url(stage: Stage) -> str:
    return reverse("licensesync:seats", args=[stage.slug])


def choose(client: Client, stage: Stage, data: bytes, **fields: str) -> tuple[int, str, str]:
    """Status, where it leads, and the page."""
    file = SimpleUploadedFile("all_users.csv", data)
    response = client.post(url(stage), {"file": file, **fields})
    return response.status_code, response.headers.get("Location", ""), response.content.decode()


def seats(stage: Stage) -> int:
    return Seat.objects.filter(server=stage.server).count()


def test_file_is_previewed_before_anything_changes(stage: Stage, owner_client: Client) -> None:
    status, review, _page = choose(owner_client, stage, CSV)

    page = owner_client.get(review).content.decode()

    assert status == 302
    assert "mona" in page
    assert seats(stage) == 0


def test_session_holds_nobody_of_the_file(stage: Stage, owner_client: Client) -> None:
    """It would outlive the file by two weeks."""
    choose(owner_client, stage, CSV)

    assert "mona" not in str(dict(owner_client.session))
    assert "mona" in str(StagedUpload.objects.get().review)


def test_page_shows_what_a_file_looks_like(stage: Stage, owner_client: Client) -> None:
    page = owner_client.get(url(stage)).content.decode()

    (example,) = re.findall(r"<code>(\{.+?\})</code>", page)
    assert choose(owner_client, stage, example.encode())[0] == 302


def test_file_that_means_nothing_any_more_leads_back_and_says_so(stage: Stage, owner_client: Client) -> None:
    header = b"id,login,email\n"
    seat(stage.server, ndjson([7]))
    _status, review, _page = choose(owner_client, stage, header)
    seat(stage.server, header, allow_shrink=True)

    page = owner_client.post(review, {"partial": "on"}, follow=True).content.decode()

    assert "The file lists no account." in page
    assert seats(stage) == 0


def test_apply_imports_and_forgets_the_file(stage: Stage, owner_client: Client) -> None:
    _status, review, _page = choose(owner_client, stage, CSV)

    page = owner_client.post(review, follow=True).content.decode()

    assert "The seats were imported: 1 added, 0 changed, 0 removed." in page
    assert Seat.objects.get().line == '{"user_id":7,"emails":[["mona@octo.example",true]]}'
    assert not StagedUpload.objects.exists()
    assert AuditEvent.objects.get(action="seats.import").ip == "127.0.0.1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "The file is empty."),
        (b"id,login\n1,a\n", "Line 1: the header lacks the column email"),
        (CSV + b"2026-01-02,x,mona,,user,false\n", "Line 3: the id must be a whole number"),
        (ndjson([1]) + b"{", "Line 2: not a whole JSON object"),
        (ndjson([1, 1]), "Line 2:"),
    ],
)
def test_bad_file_is_explained_beside_its_field(stage: Stage, owner_client: Client, data: bytes, reason: str) -> None:
    status, _review, page = choose(owner_client, stage, data)

    beside = page.split('id="id_file_error"')[1].split("</ul>")[0]
    assert status == 422
    assert reason in beside
    assert 'aria-invalid="true"' in page
    assert not StagedUpload.objects.exists()


def test_missing_file_is_asked_for(stage: Stage, owner_client: Client) -> None:
    response = owner_client.post(url(stage))

    assert response.status_code == 422
    assert "Choose a file." in response.content.decode()


@pytest.mark.parametrize("half_a_year", ["0202-03-02T09:30", "0001-01-01T00:00"])
def test_time_whose_year_is_not_whole_is_refused(stage: Stage, owner_client: Client, half_a_year: str) -> None:
    status, _review, page = choose(owner_client, stage, CSV, taken_at=half_a_year)

    assert status == 422
    assert "This time lies before the year 2000." in page


def test_time_in_the_future_is_refused(stage: Stage, owner_client: Client) -> None:
    tomorrow = f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M}"

    status, _review, page = choose(owner_client, stage, CSV, taken_at=tomorrow)

    assert status == 422
    assert "This time lies in the future." in page


def test_time_of_the_list_is_kept(stage: Stage, owner_client: Client) -> None:
    _status, review, _page = choose(owner_client, stage, CSV, taken_at="2026-01-02T03:04")
    hidden = owner_client.get(review).content.decode().split('name="taken_at" value="')[1].split('"')[0]

    owner_client.post(review, {"taken_at": hidden})

    assert f"{SeatSource.objects.get().taken_at:%Y-%m-%d %H:%M}" == "2026-01-02 03:04"


def test_partial_file_removes_nobody(stage: Stage, owner_client: Client) -> None:
    stage.with_seats()
    _status, review, _page = choose(owner_client, stage, ndjson([99]), partial="on")

    page = owner_client.get(review).content.decode()
    owner_client.post(review, {"partial": "on"})

    assert "Accounts that are not in the file stay." in page
    assert seats(stage) == scenes.ACCOUNTS + 1


def test_large_removal_needs_a_confirmation(stage: Stage, owner_client: Client) -> None:
    stage.with_seats(120)
    _status, review, _page = choose(owner_client, stage, ndjson([1]))

    refused = owner_client.post(review)
    kept = seats(stage)
    owner_client.post(review, {"allow_shrink": "on"})

    assert refused.status_code == 409
    assert 'id="id_allow_shrink_error"' in refused.content.decode()
    assert (kept, seats(stage)) == (120, 1)


def test_file_that_is_thrown_away_changes_nothing(stage: Stage, owner_client: Client) -> None:
    _status, review, _page = choose(owner_client, stage, CSV)

    page = owner_client.post(f"{review}/discard", follow=True).content.decode()

    assert "Nothing was imported." in page
    assert (seats(stage), StagedUpload.objects.count()) == (0, 0)


def test_file_of_another_owner_is_not_found(stage: Stage, owner_client: Client) -> None:
    _status, review, _page = choose(owner_client, stage, CSV)
    colleague = make_user("colleague")
    make_role(colleague, stage.server.enterprise)
    client = Client()
    client.force_login(colleague)

    assert client.get(review).status_code == 404


def test_file_that_expired_is_not_found(stage: Stage, owner_client: Client) -> None:
    _status, review, _page = choose(owner_client, stage, CSV)
    StagedUpload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert owner_client.post(review).status_code == 404
    assert seats(stage) == 0


def test_review_does_not_read_the_file_again(
    stage: Stage, owner_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    _status, review, _page = choose(owner_client, stage, CSV)

    with django_assert_max_num_queries(5):
        page = owner_client.get(review).content.decode()

    assert "mona" in page


def test_review_is_made_anew_once_the_seats_have_changed(stage: Stage, owner_client: Client) -> None:
    _status, review, _page = choose(owner_client, stage, ndjson([1, 2]))
    stage.with_seats()

    page = owner_client.get(review).content.decode()

    assert page.count("login") > 2
    assert "Removed" in page
    assert "login12" in page
