"""The home page shows each of one's enterprises, its state, and what needs one, by a bounded number of queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from enterprises import home
from enterprises.founding import Particulars, found
from enterprises.home import HomeState
from enterprises.models import Deployment, Enterprise, Notice, User
from tests.factories import NOW, make_role, make_server_enterprise, make_user


def states(enterprises: list[Enterprise]) -> dict[int, HomeState]:
    return {one.pk: HomeState(f"state of {one.slug}", "attention", "Look here.", "/there") for one in enterprises}


def test_page_lists_own_enterprises_with_side_and_role(
    owner_client: Client, server_enterprise: Enterprise, cloud_enterprise: Enterprise, stranger: User
) -> None:
    page = owner_client.get("/").content.decode()

    assert "octo-server" in page
    assert "SideBadge--server" in page
    assert "SideBadge--cloud" in page
    assert "enterprise owner" in page
    assert "elsewhere" not in page


def test_page_of_somebody_without_a_role_says_so(client: Client, db: None) -> None:
    client.force_login(make_user("new"))

    assert "You have no role in an enterprise yet" in client.get("/").content.decode()


def test_rows_carry_the_states_of_their_side(owner: User, server_enterprise: Enterprise) -> None:
    (row,) = home.rows(owner, providers={Deployment.SERVER: states, Deployment.CLOUD: states})

    assert row.state == HomeState("state of octo-server", "attention", "Look here.", "/there")


@pytest.mark.parametrize("count", [1, 7])
def test_rows_need_two_queries_however_many(
    count: int, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _each in range(count):
        make_role(owner, make_server_enterprise())

    with django_assert_num_queries(2):
        rows = home.rows(owner, providers={Deployment.SERVER: states})

    assert len(rows) == count
    assert all(row.state for row in rows)


def test_side_that_is_not_served_is_not_listed(
    owner: User, server_enterprise: Enterprise, cloud_enterprise: Enterprise, settings: Settings
) -> None:
    settings.SERVES_SERVER = False

    assert [row.enterprise for row in home.rows(owner, providers={})] == [cloud_enterprise]


def test_page_needs_as_many_queries_for_many_as_for_two(owner: User, owner_client: Client) -> None:
    make_pair(owner)
    few = queries_of_home(owner_client)
    for _each in range(4):
        make_pair(owner)

    assert queries_of_home(owner_client) == few


def make_pair(owner: User) -> None:
    """A server and a cloud account, founded as everybody founds them."""
    for deployment in Deployment:
        slug = f"{deployment}-{Enterprise.objects.count()}"
        found(
            slug=slug, deployment=deployment, particulars=Particulars(hostname=f"{slug}.example"), owner=owner, at=NOW
        )


def queries_of_home(client: Client) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/").status_code == 200
    return len(queries)


def test_row_leads_to_what_is_open(owner: User, owner_client: Client, server_enterprise: Enterprise) -> None:
    for code in ("old_seats", "license_ends", "of another version"):
        Notice.objects.create(enterprise=server_enterprise, code=code, opened_at=NOW)
    Notice.objects.create(enterprise=server_enterprise, code="no_success", opened_at=NOW, resolved_at=NOW)

    (row,) = home.rows(owner)
    page = owner_client.get("/").content.decode()

    assert (row.open_notices, row.notices_url) == (2, "/enterprises/octo-server/settings/license#notices")
    assert f'<a href="{row.notices_url}">2 notices need an owner</a>' in page


def test_cloud_account_leads_to_what_is_open(owner: User, cloud_enterprise: Enterprise) -> None:
    Notice.objects.create(enterprise=cloud_enterprise, code="server_stale", opened_at=NOW)

    (row,) = home.rows(owner)

    assert (row.open_notices, row.notices_url) == (1, f"/enterprises/{cloud_enterprise.slug}/licensing#notices")
