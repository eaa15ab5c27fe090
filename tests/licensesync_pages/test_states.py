"""Each state of the server's pages says what it is, why, and what to do next."""

import re
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from enterprises.models import User
from tests.licensesync_pages import scenes, sources, troubles, usage_files
from tests.licensesync_pages.scenes import Place, Stage

SAYS = {
    "seats-refresh_asked": ["Waiting for a free worker", "GHES at https://ghes.octo.example, as site-admin"],
    "seats-refresh_shrinks": [
        "The list would remove 282 of 320 accounts",
        "Yes, remove that many accounts",
        "The license was not read. GHES does not accept the user and the token.",
        "Syncs go on with the seats that are listed here.",
    ],
    "seats-first_refresh_failed": ["The certificate of GHES is not trusted", "CA_BUNDLE", "No seats yet"],
    "seat_source-refresh_asked": ["Base URL of GHES", "site-admin", "seats/"],
    "license-sync_refreshes": ["Refreshing seats"],
    "license-sync_goes_on_without": [
        '<span class="sr-only">Failed:</span>',
        "Seats not refreshed",
        "GHES does not accept the user and the token. The seats stayed as they were.",
    ],
    "connection-nothing_at_all": [
        "GitHub Connect is not enabled yet",
        "Enable GitHub Connect first",
        "Import seats",
        "/settings/license/usage-file",
    ],
    "connection-no_connection": ["Takes you to cloud.example", '{"user_id":1,"emails":[["user1@octo.example",true]]}'],
    "connection-setup_pending": ["You have not completed the setup process", "Complete it within 4 minutes"],
    "connection-setup_answer_lost": ["Complete your GitHub Connect setup", "its answer did not arrive"],
    "connection-setup_expired": ["You have not completed the setup process", "The 5 minutes for it are over"],
    "connection-sync_off": ["Connected, but license sync is off", "no people's data is sent", "by olivia"],
    "connection-first_sync_pending": ["First sync pending", "#license-sync"],
    "connection-synced": ["Synced", "License sync since", "898"],
    "connection-nobody_works": ["No worker has begun what is due for more than five minutes", "due now"],
    "connection-failed": ["Sync failed", "The connection was removed on the cloud."],
    "connection-disconnected": ["Its people still count there", "Enable GitHub Connect"],
    "connection-exists-no_connection": ["A connection for ghes1.octo.example already exists", "Choose Remove"],
    "connection-mismatch-no_connection": ["This answer does not belong to your setup", "Nothing was changed"],
    "connection-timeout-setup_answer_lost": ["The cloud did not answer in time.", "The one-time code is kept"],
    "disable-synced": [
        "the GitHub App of this server is deleted",
        "the credentials are deleted",
        "still count in Octo",
    ],
    "decision-restored": [
        "Restored or copied?",
        "1,204",
        "5,210",
        "differs",
        "goes on from revision 1204",
        "This is a copy",
        "the original keeps its connection",
    ],
    "decision-restored_beside_an_older_cloud": ["does not say what it holds", "This is a copy"],
    "decision-renamed": ["Renamed or copied?", "former.octo.example", "in place of former.octo.example"],
    "decision-shrinking": ["meant to go?", "held 5,210 accounts of this server, and will hold 12", "Look at the seats"],
    "decision-cut_off": ["does not accept this server any more", "called another copy of this server the original"],
    "decision-synced": ["Nothing to decide"],
    "decision-exists-no_connection": ["A connection for ghes1.octo.example already exists", "Choose Remove"],
    "connection-left_on_cloud": ["disabled on this server alone", "may still list it as connected"],
    "license-nothing_at_all": ["No seats yet", "not connected to a cloud account", "unknown"],
    "license-no_connection": ["not connected to a cloud account", "Octo Industries", "in 200 days"],
    "license-sync_off": ["connected, but license sync is off"],
    "license-connected_without_seats": ["There are no seats to sync yet", "Import seats"],
    "license-first_sync_pending": ["First sync pending", "The first sync starts by itself", "Sync now"],
    "license-queued": ["Waiting for a free worker", "Refresh"],
    "license-preparing": ["Freezing the list of accounts"],
    "license-uploading": ["Sending to cloud.example", "2 of 5 parts", "41,230 accounts in 5 parts"],
    "license-applying": ["applies the accounts and counts licenses"],
    "license-waiting_to_retry": ["The cloud is busy.", "Next try", "Try again now", "Cancel"],
    "license-failed": ["The connection was removed on the cloud.", "Try again now", "Disable GitHub Connect"],
    "license-shrink_unconfirmed": ["would remove a large part", "Decide"],
    "license-synced": ["14 accounts", "2 added, 0 changed, 0 removed", "12 → <strong>14</strong>", "revision 2"],
    "license-unchanged": ["nothing changed, nothing uploaded", "revision 2"],
    "license-stale": ["Stale", "Sync now"],
    "license-nobody_works": ["Check that the worker and the beat of this server are running.", "due now"],
    "license-cancelled": ["The last sync was cancelled. Nothing was changed on the cloud."],
    "connection-old_seats": ["Synced, with seats of", "were 19 days old when they were synced", "Bring in newer seats"],
    "license-old_seats": ["Synced, with seats of", "were 19 days old when they were synced", "Bring in newer seats"],
    "connection-synced_license_expired": ["License expired", "syncs work all the same", "Update the license."],
    "license-synced_license_expired": ["License expired", "syncs work all the same", "Update the license."],
    "connection-gave_up": ["Sync failed", "The connection to the cloud broke.", "then gave up", "Last attempt"],
    "license-gave_up": ["The connection to the cloud broke.", "then gave up", "Try again now", "Doctor"],
    "connection-clock_skew": ["The clock of this server is 3 days behind the cloud's.", "Next try"],
    "license-clock_skew": ["The clock of this server is 3 days behind the cloud's.", "Next try", "Set the clocks"],
    "connection-rate_limited": ["The cloud asks for fewer requests.", "This server tries again by itself"],
    "license-rate_limited": ["The cloud asks for fewer requests.", "This server tries again by itself", "29 minutes"],
    "license-over_used": ["2 more used than bought", "never"],
    "license-license_expired": ["The license has expired on", "expired 3 days ago", "Update license"],
    "license-edit-nothing_at_all": ["A license file cannot be read"],
    "users-dormant_and_suspended": ["12 users", "Dormant", "Suspended", "1 license", "Download CSV"],
    "seats-nothing_at_all": ["No seats yet", "all_users.csv"],
    "seats-no_connection": ["Accounts listed", "List taken at"],
    "seats-preview-no_connection": ["login13", "login1 ", "<strong>18</strong>", "nothing is applied yet"],
    "seats-preview-shrink-many_seats": ["This would remove 99 of 120 accounts.", "and 89 more"],
    "seats-preview-same-no_connection": ["The file says what is held already."],
    "sent-nothing_at_all": ["There is nothing to send yet", "Import seats"],
    "sent-many_seats": ["120 accounts", "Page 1 of 3", "What never leaves this server:"],
    "sent-search-no_connection": ["1 line found", "user7@octo.example"],
    "sent-not-found-no_connection": ["An account that is not here is not sent."],
    "sent-nothing-no_connection": ["Nothing was sent yet"],
    "sent-last-synced": ["14 accounts", "compressed", "user14@octo.example", "sha256sum of the file"],
    "syncs-nothing_at_all": ["No sync has run yet.", "Go to license sync"],
    "syncs-synced": ["2 runs", "Succeeded", "+2 ~0 −0", "12 → 14"],
    "sync-waiting_to_retry": ["The cloud is busy.", "Next attempt", "Try again now", "Cancel"],
    "sync-synced": ["Licenses of Octo: 12 → <strong>14</strong>", "Event log", "Over: it arrived"],
    "receipt-synced": ["Genuine", "licenses_after", "As it came (compact JWS)"],
    "usage-file-nothing_at_all": ["so there is nothing to export", "Fingerprint of this server's key"],
    "usage-file-synced": ["No usage file was exported yet.", "It needs a file only while that line is down"],
    "usage-file-file_waits_for_a_worker": ["Waiting for a free worker", "Cancel"],
    "usage-file-file_being_made": ["Freezing the list of accounts", "2 of 3 accounts"],
    "usage-file-file_exported": ["Export again", "Waits for its receipt", "Without a receipt", "12", "Download"],
    "usage-file-file_of_old_seats_failed": ["ran out of disk space", "more than 8 days old", "Try again now"],
    "sync-file_exported": ["The usage file is made and signed", "nothing: no receipt came so far"],
    "usage-file-file_accepted": ["The cloud has accepted this file", "by octo, revision 1", "Import receipt"],
    "sync-file_accepted": ["Receipt signed by octo, revision 1", "Receipt imported: revision 1"],
    "license-file_accepted": ["Accepted by Octo Inc., revision 1", "Usage files"],
    "receipt-confirm-receipt_to_confirm": ["Octo Inc.", "0a1b 0a1b", "Another key signed", "restored from a backup"],
}


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(html))


# PostgreSQL answers the same statements of these pages in the other tests of this folder and in tests/permissions.
@pytest.mark.sqlite
@pytest.mark.parametrize("place", [*scenes.PLACES, *troubles.PLACES, *sources.PLACES, *usage_files.PLACES], ids=str)
def test_state_says_what_it_is(stage: Stage, owner_client: Client, place: Place) -> None:
    place.scene(stage)

    response = owner_client.get(place.path(stage))

    assert response.status_code == 200
    shown = words(response.content.decode())
    assert [text for text in SAYS[str(place)] if text not in shown] == []


@pytest.mark.sqlite
@pytest.mark.parametrize("place", scenes.PLACES[: len(scenes.CONNECT_SCENES) + len(scenes.LICENSE_SCENES)], ids=str)
def test_billing_manager_sees_the_state_and_no_form_of_it(stage: Stage, billing_manager: User, place: Place) -> None:
    place.scene(stage)
    client = Client()
    client.force_login(billing_manager)

    response = client.get(place.path(stage))

    main = words(response.content.decode()).split("<main")[1].split("</main>")[0]
    assert response.status_code == 200
    assert "<button" not in main


def test_what_the_server_does_by_itself_is_said_once(stage: Stage, owner_client: Client) -> None:
    troubles.gave_up(stage)

    shown = words(owner_client.get(f"/enterprises/{stage.slug}/settings/license").content.decode())

    assert shown.count("then gave up") == 1


def test_way_on_is_the_button_that_counts_where_trying_again_is_in_vain(stage: Stage, owner_client: Client) -> None:
    scenes.failed(stage)

    shown = words(owner_client.get(f"/enterprises/{stage.slug}/settings/license").content.decode())

    (primary,) = re.findall(r'<a href="([^"]+)" class="Button Button--primary', shown)
    assert primary.endswith("/settings/dotcom_connection")
    assert "Button--secondary" in shown.split("Try again now")[0].rsplit("<button", 1)[1]


def test_state_that_is_wrong_is_not_green(stage: Stage, owner_client: Client) -> None:
    scenes.nobody_works(stage)

    shown = owner_client.get(f"/enterprises/{stage.slug}/settings/dotcom_connection").content.decode()

    assert "Notice--attention" in shown
    assert "Notice--success" not in shown


@pytest.mark.parametrize("number", [1, 30])
def test_license_page_asks_the_same_number_of_queries_however_many_runs_there_were(
    stage: Stage, owner_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    world = stage.with_seats().connected()
    for _run in range(number):
        world.run(world.request(by=stage.owner))

    with django_assert_max_num_queries(11):
        response = owner_client.get(f"/enterprises/{stage.slug}/settings/license")

    assert response.content.decode().count('data-label="Result"') == min(number, 10)


def test_connection_page_asks_few_queries(
    stage: Stage, owner_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    scenes.synced(stage)

    with django_assert_max_num_queries(14):
        owner_client.get(f"/enterprises/{stage.slug}/settings/dotcom_connection")
