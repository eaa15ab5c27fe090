"""What suspending dormant users would free, by the count of a real cloud."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cloud.models import Ledger, ServerAccount
from cloud.services import import_members
from connect.models import Connection, Server
from enterprises.models import User
from licensesync import services
from licensesync.management.commands.license_sync import _job_line
from licensesync.models import SyncJob
from licensesync.syncing import run as sync
from licensesync.users import exclusions
from licensesync.users.suspending import Missing, Stale, Suspending, suspending
from tests.contract.test_sync import work
from tests.support.line import connect
from tests.support.wsgi_adapter import WsgiAdapter

MEMBERS = (
    b'{"id": 1, "login": "mona", "emails": [{"email": "mona@octo.example", "verified": true}],'
    b' "member_roles": ["octo:Owner"]}'
)
# Of the dormant ones mona is on the cloud, too, two robots are one person, and dora holds a license of her own.
DORMANT = {1: "mona@octo.example", 2: "robots@octo.example", 3: "robots@octo.example", 4: "dora@octo.example"}
AWAKE = {5: "ada@octo.example"}


def accounts(dormant: dict[int, str], awake: dict[int, str]) -> bytes:
    rows = [
        {
            "id": user_id,
            "login": f"user{user_id}",
            "dormant": user_id in dormant,
            "emails": [{"email": address, "primary": True}],
        }
        for user_id, address in (dormant | awake).items()
    ]
    return "\n".join(map(json.dumps, rows)).encode()


def listed(server: Server, data: bytes) -> None:
    services.import_seats(server=server, stream=io.BytesIO(data), by=None, at=timezone.now())


@pytest.fixture
def synced(connection: Connection, ledger: Ledger, cloud: WsgiAdapter) -> Connection:
    """Five accounts that are three people and one member, synced."""
    import_members(ledger=ledger, stream=io.BytesIO(MEMBERS), format="ndjson", by=None, at=timezone.now())
    listed(connection.server, accounts(DORMANT, AWAKE))
    services.set_license_sync(connection=connection, enabled=True, by=None, at=timezone.now())
    job = services.request_sync(connection=connection, by=None, at=timezone.now())
    run(job, cloud)
    connection.refresh_from_db()
    return connection


def run(job: SyncJob, cloud: WsgiAdapter) -> SyncJob:
    sync.run(job.pk, adapter=cloud, wait=lambda _seconds: work())
    job.refresh_from_db()
    assert job.state == SyncJob.State.SUCCEEDED, job.error_code
    return job


def ask(connection: Connection, cloud: WsgiAdapter) -> SyncJob:
    omits = SyncJob.Omits.DORMANT
    job = services.request_sync(
        connection=connection, by=None, at=timezone.now(), kind=SyncJob.Kind.PREVIEW, omits=omits
    )
    return run(job, cloud)


def stands(connection: Connection, **later: float) -> Suspending:
    server = Server.objects.select_related("connection").get(pk=connection.server_id)
    return suspending(server, timezone.now() + timedelta(**later))


def test_only_the_cloud_knows_that_four_users_free_two_licenses(synced: Connection, cloud: WsgiAdapter) -> None:
    job = ask(synced, cloud)

    answer = stands(synced).answer
    assert answer is not None
    assert (answer.users, answer.freed, answer.is_mixed, answer.stale) == (4, 2, False, ())
    # Nobody was left out in earnest.
    assert ServerAccount.objects.count() == 5
    assert job.parts.count() == 0


def test_whoever_is_excluded_is_sent(synced: Connection, cloud: WsgiAdapter) -> None:
    exclusions.exclude(server=synced.server, user_id=3, by=None, at=timezone.now())

    ask(synced, cloud)

    answer = stands(synced).answer
    assert answer is not None
    assert (answer.users, answer.freed) == (3, 1)


def test_answer_says_when_it_is_not_current(synced: Connection, cloud: WsgiAdapter) -> None:
    ask(synced, cloud)
    reasons = []

    def note(**later: float) -> None:
        answer = stands(synced, **later).answer
        assert answer is not None
        reasons.append(answer.stale)

    exclusions.exclude(server=synced.server, user_id=3, by=None, at=timezone.now())
    note()
    exclusions.include(server=synced.server, user_id=3, by=None, at=timezone.now())
    note()
    note(days=9)
    listed(synced.server, accounts(DORMANT, AWAKE | {6: "new@octo.example"}))
    note()
    refreshed_by_itself = SyncJob.objects.filter(omits=SyncJob.Omits.DORMANT)
    refreshed_by_itself.update(refreshed_at=timezone.now())
    note()

    assert reasons == [
        (Stale.EXCLUSIONS_CHANGED,),
        (),
        (Stale.OLD,),
        (Stale.SEATS_CHANGED,),
        (),
    ]
    refreshed_by_itself.update(refreshed_at=None)
    run(services.request_sync(connection=synced, by=None, at=timezone.now()), cloud)
    note()
    assert reasons[-1] == (Stale.SEATS_CHANGED, Stale.SYNCED_SINCE)


def test_changes_that_were_not_synced_are_not_sold_as_freed(synced: Connection, cloud: WsgiAdapter) -> None:
    listed(synced.server, accounts(DORMANT, AWAKE | {6: "new@octo.example"}))

    ask(synced, cloud)

    answer = stands(synced).answer
    assert answer is not None
    assert answer.is_mixed
    told = _job_line(SyncJob.objects.filter(kind=SyncJob.Kind.PREVIEW).latest("pk"))
    assert told.startswith("Suspending these 4 dormant users would free 1 license.")
    assert "the number holds these changes, too" in told


def test_what_is_missing_is_said_in_turn(server: Server, ledger: Ledger, owner: User, cloud: WsgiAdapter) -> None:
    missing = [stands(server.connection).missing]
    connection = connect(server, ledger.enterprise, owner=owner)
    missing.append(stands(connection).missing)
    services.set_license_sync(connection=connection, enabled=True, by=None, at=timezone.now())
    missing.append(stands(connection).missing)
    listed(server, accounts({}, AWAKE))
    missing.append(stands(connection).missing)
    run(services.request_sync(connection=connection, by=None, at=timezone.now()), cloud)
    missing.append(stands(connection).missing)

    assert missing == list(Missing)


def test_page_asks_shows_progress_and_then_the_answer(
    synced: Connection, cloud: WsgiAdapter, owner_client: Client
) -> None:
    slug = synced.server.enterprise.slug
    url = reverse("licensesync:users_suspending", args=[slug])

    owner_client.post(url)
    under_way = owner_client.get(url, headers={"HX-Request": "true"}).content.decode()
    run(SyncJob.objects.active().get(kind=SyncJob.Kind.PREVIEW), cloud)
    done = owner_client.get(reverse("licensesync:users", args=[slug])).content.decode()

    assert 'hx-trigger="every 2s"' in under_way
    assert "The cloud is asked what it would count without these users" in under_way
    assert "Suspending these 4 dormant users would free 2 licenses." in done
    assert "The others would free nothing" in done
    assert "hx-trigger" not in done

    listed(synced.server, accounts({}, DORMANT | AWAKE))
    later = owner_client.get(reverse("licensesync:users", args=[slug])).content.decode()
    assert "Suspending the 4 dormant users of that time would have freed 2 licenses." in later
    assert "Suspending these" not in later
    assert "The others would free nothing" not in later


def test_answer_is_not_taken_for_what_a_sync_would_change(
    synced: Connection, cloud: WsgiAdapter, owner_client: Client
) -> None:
    job = ask(synced, cloud)
    slug = synced.server.enterprise.slug

    page = owner_client.get(reverse("licensesync:preview", args=[slug])).content.decode()

    assert "Nothing was previewed yet" in page
    job_page = owner_client.get(reverse("licensesync:sync", args=[slug, job.pk])).content.decode()
    assert "Preview without dormant users" in job_page


def test_command_asks_and_tells(synced: Connection, cloud: WsgiAdapter, capsys: pytest.CaptureFixture[str]) -> None:
    slug = synced.server.enterprise.slug
    ask(synced, cloud)

    call_command("license_sync", slug, "preview", "--suspend-dormant", "--json")

    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["omits"], told["would_free"]) == ("preview", "dormant", None)
    with pytest.raises(CommandError, match="Another preview is under way"):
        call_command("license_sync", slug, "preview")
    with pytest.raises(CommandError, match="goes with preview alone"):
        call_command("license_sync", slug, "now", "--suspend-dormant")
