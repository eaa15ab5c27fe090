"""The home page's word about each server: its state, and the one thing that needs somebody."""

from datetime import timedelta

import pytest
from django.utils import timezone

from connect.models import Server
from enterprises.models import Deployment
from enterprises.navigation import groups_for
from licensesync.home import home_states
from licensesync.models import License, Schedule
from tests.factories import make_role, make_user
from tests.licensesync.world import World, make_server, make_world, ndjson, seat

pytestmark = pytest.mark.django_db


def test_server_without_seats_is_sent_to_the_import() -> None:
    enterprise = make_server("ghes1").enterprise

    state = home_states([enterprise])[enterprise.pk]

    assert state.url == "/enterprises/ghes1/settings/seats"


def test_server_that_waits_for_an_owner_is_sent_to_the_connect_page() -> None:
    world = make_world(make_server("ghes1"), is_enabled=False)
    enterprise = world.server.enterprise

    state = home_states([enterprise])[enterprise.pk]

    assert (state.tone, state.url) == ("attention", "/enterprises/ghes1/settings/dotcom_connection")
    assert state.need


def test_synced_server_needs_nothing(synced: World) -> None:
    enterprise = synced.server.enterprise

    state = home_states([enterprise])[enterprise.pk]

    assert (str(state.label), state.tone, state.need) == ("Synced", "success", "")


def test_many_servers_take_as_many_queries_as_one(world: World, django_assert_max_num_queries: object) -> None:
    enterprises = [
        world.server.enterprise,
        *(make_world(make_server(), accounts=1).server.enterprise for _ in range(4)),
    ]

    with django_assert_max_num_queries(4):  # type: ignore[operator]
        states = home_states(enterprises)

    assert len(states) == 5


def test_navigation_of_a_server_leads_to_its_pages() -> None:
    role = make_role(make_user(), make_server("ghes1").enterprise)

    urls = [item.url for group in groups_for(role) for item in group.items]

    assert role.enterprise.deployment == Deployment.SERVER
    for page in ("license", "seats", "dotcom_connection"):
        assert f"/enterprises/ghes1/settings/{page}" in urls


@pytest.mark.parametrize(
    ("seats", "days", "said"),
    [
        (2, None, ["1 seat more is used than was bought."]),
        (1, None, ["2 seats more are used than were bought."]),
        (3, 61, []),
        (3, 60, ["The license expires on"]),
        (None, 30, ["The license expires on"]),
        (None, 7, ["The license expires on"]),
        (1, 7, ["The license expires on", "2 seats more are used than were bought."]),
    ],
)
def test_synced_server_is_not_green_where_the_license_page_warns(
    synced: World, seats: int | None, days: int | None, said: list[str]
) -> None:
    license_until(synced.server, seats, days)
    enterprise = synced.server.enterprise

    state = home_states([enterprise])[enterprise.pk]

    assert state.tone == ("attention" if said else "success")
    assert state.url == "/enterprises/ghes1/settings/license"
    assert bool(state.need) is bool(said)
    assert all(sentence in str(state.reason) for sentence in said)


def test_expired_license_is_said_once(synced: World) -> None:
    license_until(synced.server, 1, -1)
    enterprise = synced.server.enterprise

    state = home_states([enterprise])[enterprise.pk]

    assert (str(state.label), state.tone) == ("License expired", "danger")
    assert str(state.reason).count("expired on") == 1
    assert "2 seats more are used than were bought." in str(state.reason)


def test_expired_license_is_said_beside_what_else_is_to_be_done() -> None:
    server = make_server("ghes1")
    license_until(server, 1, -1)

    state = home_states([server.enterprise])[server.enterprise_id]

    assert state.url == "/enterprises/ghes1/settings/seats"
    assert "The license has expired on" in str(state.reason)


def license_until(server: Server, seats: int | None, days: int | None) -> None:
    expires_on = None if days is None else timezone.now().date() + timedelta(days=days)
    License.objects.create(server=server, customer="Octo", seats=seats, expires_on=expires_on)


@pytest.fixture
def synced() -> World:
    """Three seats, synced just now."""
    world = make_world(make_server("ghes1"))
    Schedule.objects.all().delete()
    world.clock.now = timezone.now()
    seat(world.server, ndjson(range(1, 4)), at=world.clock.now)
    world.sync()
    return world
