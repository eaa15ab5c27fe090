"""What a server's owner is mailed: each cause comes from a server that is really so, and ends when it is over."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import time_machine
from django.core import mail

from enterprises import notice_mails
from enterprises.models import Notice, User
from licensesync import services
from licensesync.beat import tick
from licensesync.models import License, SyncJob
from licensesync.notices import current
from tests.factories import NOW, make_role, make_user
from tests.licensesync.world import World, ndjson, seat

OWNER = "oskar@octo.example"


@pytest.fixture
def owned(world: World) -> World:
    make_role(make_user("oskar", email=OWNER), world.server.enterprise)
    return world


def now(world: World, **by: float) -> set[tuple[str, int]]:
    at = world.clock.move(**by)
    return {(cause.code, cause.stage) for cause in current(at) if not cause.is_undecided}


def test_nothing_needs_an_owner_of_a_server_that_syncs(owned: World) -> None:
    assert now(owned) == set()
    owned.sync()
    assert now(owned) == set()
    assert now(owned, days=8) == set()


def test_late_sync(owned: World) -> None:
    owned.sync()

    assert now(owned, days=8, minutes=1) == {("no_success", 0)}
    services.set_license_sync(connection=owned.connection, enabled=False, by=None, at=owned.clock.now)
    assert now(owned) == set()


def test_first_sync_that_never_comes_is_late_as_well(owned: World) -> None:
    assert now(owned, days=8, minutes=1) == {("no_success", 0)}


def test_sync_that_failed_for_good_and_is_tried_again(owned: World) -> None:
    job = owned.request()
    SyncJob.objects.filter(pk=job.pk).update(
        state=SyncJob.State.FAILED, error_code="unauthorized", started_at=NOW, attempted_at=NOW, finished_at=NOW
    )
    assert now(owned) == {("sync_failed", 0)}

    again = owned.request()

    assert now(owned) == set()
    undecided = {cause.code for cause in current(owned.clock.now) if cause.is_undecided}
    assert undecided == {"sync_failed", "needs_decision"}
    owned.run(again)
    assert list(current(owned.clock.now)) == []


def test_old_seats(owned: World) -> None:
    seat(owned.server, ndjson(range(1, 5)), at=NOW - timedelta(days=9))
    owned.sync()

    assert now(owned) == {("old_seats", 0)}


@pytest.mark.parametrize(
    ("days", "expected"),
    [(61, 0), (60, 1), (31, 1), (30, 2), (8, 2), (7, 3), (0, 3), (-1, 4)],
)
def test_license_that_ends(days: int, expected: int, owned: World) -> None:
    expires_on = NOW.date() + timedelta(days=days)
    License.objects.create(server=owned.server, customer="Octo", seats=None, expires_on=expires_on)

    assert now(owned) == ({("license_ends", expected)} if expected else set())


@pytest.mark.parametrize(("seats", "expected"), [(None, 0), (0, 0), (5, 0), (4, 0), (3, 2), (2, 2)])
def test_seats_that_run_out(seats: int | None, expected: int, owned: World) -> None:
    License.objects.create(server=owned.server, customer="Octo", seats=seats, expires_on=None)

    assert now(owned) == ({("seats_used", expected)} if expected else set())


def test_ninety_of_a_hundred(owned: World) -> None:
    License.objects.create(server=owned.server, customer="Octo", seats=10, expires_on=None)
    seat(owned.server, ndjson(range(1, 10)))

    assert now(owned) == {("seats_used", 1)}


def beat(at: datetime) -> list[str]:
    """A minute as beat and worker make it; what is mailed."""
    mail.outbox.clear()
    with time_machine.travel(at, tick=False):
        tick.apply(throw=True)
        notice_mails.deliver()
    return [str(message.body) for message in mail.outbox]


def test_tick_opens_and_resolves_and_the_mail_reads_well(owned: World) -> None:
    owned.sync()
    held = License.objects.create(server=owned.server, customer="Octo", seats=3, expires_on=date(2026, 4, 1))
    expected = (
        "Hello oskar,\n\n"
        "The license of ghes1.octo.example expires within 30 days. It expires on April 1, 2026.\n\n"
        "Renew it, and see that the License page knows the new date.\n\n"
        f"http://localhost:8000/enterprises/{owned.server.enterprise.slug}/settings/license\n\n"
        "-- \n"
        f"You get this mail as an owner of {owned.server.enterprise.name} (Enterprise Server): "
        "once when something begins, once when it is over.\n"
        "To switch these mails off, open your preferences:\n"
        "http://localhost:8000/account/preferences\n"
    )

    first = beat(NOW)
    held.expires_on = None
    held.save()
    User.objects.update(language="fr")
    (over,) = beat(NOW + timedelta(minutes=1))

    assert expected in first
    assert len(first) == 2
    assert "C'est fini\u00a0: La licence de ghes1.octo.example expire dans moins de 30 jours." in over
    assert set(Notice.objects.filter(resolved_at=None).values_list("code", flat=True)) == {"seats_used"}
