"""The home page's word about each server: its state, and the one thing that needs somebody."""

import pytest
from django.utils import timezone

from enterprises.models import Deployment
from enterprises.navigation import groups_for
from licensesync.home import home_states
from licensesync.models import Schedule
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


def test_synced_server_needs_nothing(world: World) -> None:
    Schedule.objects.all().delete()
    world.clock.now = timezone.now()
    seat(world.server, ndjson(range(1, 4)), at=world.clock.now)
    world.sync()
    enterprise = world.server.enterprise

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
