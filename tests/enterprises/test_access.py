"""Access is decided in one place: no role looks like no such enterprise, a role without the right is told so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404
from pytest_django import DjangoAssertNumQueries

from enterprises.access import Need, enterprise_for
from enterprises.models import Deployment, Enterprise, User

SERVER, CLOUD = Deployment.SERVER, Deployment.CLOUD


def test_owner_may_act(owner: User, server_enterprise: Enterprise) -> None:
    assert enterprise_for(owner, "octo-server", deployment=SERVER, need=Need.OWN) == server_enterprise


def test_billing_manager_may_look(billing_manager: User, cloud_enterprise: Enterprise) -> None:
    assert enterprise_for(billing_manager, "octo", deployment=CLOUD) == cloud_enterprise


def test_billing_manager_may_not_act(billing_manager: User, cloud_enterprise: Enterprise) -> None:
    with pytest.raises(PermissionDenied):
        enterprise_for(billing_manager, "octo", deployment=CLOUD, need=Need.OWN)


@pytest.mark.parametrize("slug", ["octo-server", "no-such-enterprise"])
def test_stranger_cannot_tell_a_foreign_enterprise_from_none(
    slug: str, stranger: User, server_enterprise: Enterprise, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1), pytest.raises(Http404):
        enterprise_for(stranger, slug, deployment=SERVER)


@pytest.mark.parametrize("need", list(Need))
def test_the_other_sides_slug_is_unknown(need: Need, owner: User, server_enterprise: Enterprise) -> None:
    with pytest.raises(Http404):
        enterprise_for(owner, "octo-server", deployment=CLOUD, need=need)


def test_nobody_signed_in_finds_nothing(server_enterprise: Enterprise) -> None:
    with pytest.raises(Http404):
        enterprise_for(AnonymousUser(), "octo-server", deployment=SERVER)


def test_role_is_left_on_the_user_for_the_shell(billing_manager: User, server_enterprise: Enterprise) -> None:
    enterprise_for(billing_manager, "octo-server", deployment=SERVER)

    assert billing_manager.current_role is not None
    assert billing_manager.current_role.enterprise == server_enterprise


def test_owned(owner: User, billing_manager: User, stranger: User, cloud_enterprise: Enterprise) -> None:
    assert set(Enterprise.objects.owned_by(owner)) == {cloud_enterprise}
    assert cloud_enterprise not in Enterprise.objects.owned_by(stranger)
    for nobody in (billing_manager, AnonymousUser()):
        assert not Enterprise.objects.owned_by(nobody).exists()
