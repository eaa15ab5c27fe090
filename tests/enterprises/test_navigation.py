"""The shell around a page: side, enterprise, navigation in order, without a query of its own."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.urls import resolve
from pytest_django import DjangoAssertNumQueries

from enterprises.access import enterprise_for
from enterprises.context import shell
from enterprises.models import Deployment, Enterprise, User
from enterprises.navigation import groups_for, landing_url, settings_url


def test_owner_sees_groups_in_order_and_the_current_page(owner: User, cloud_enterprise: Enterprise) -> None:
    role = owner.roles.select_related("enterprise").get()

    groups = groups_for(role, "cloud:review_members")

    assert [[str(item.label) for item in group.items] for group in groups] == [
        ["People", "Probably the same person"],
        [
            "Enterprise licensing",
            "Import members",
            "Visible addresses",
            "Verified & approved domains",
            "Audit log",
            "Doctor",
        ],
    ]
    assert [item.url for group in groups for item in group.items if item.is_current] == [
        "/enterprises/octo/settings/members"
    ]


def test_billing_manager_sees_no_page_for_owners(billing_manager: User, cloud_enterprise: Enterprise) -> None:
    role = billing_manager.roles.select_related("enterprise").get()

    labels = [str(item.label) for group in groups_for(role) for item in group.items]

    assert labels == ["People", "Probably the same person", "Enterprise licensing", "Verified & approved domains"]


def test_landing_page_and_first_setting(owner: User, cloud_enterprise: Enterprise) -> None:
    role = owner.roles.select_related("enterprise").get()

    assert landing_url(role) == "/enterprises/octo/licensing"
    assert settings_url(role) == "/enterprises/octo/licensing"


def test_shell_knows_the_enterprise_without_a_query(
    owner: User, cloud_enterprise: Enterprise, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = RequestFactory().get("/enterprises/octo/people")
    request.user, request.resolver_match = owner, resolve(request.path)
    enterprise_for(owner, "octo", deployment=Deployment.CLOUD)

    with django_assert_num_queries(0):
        context = shell(request)

    assert (context["side"], context["enterprise"]) == ("cloud", cloud_enterprise)
    assert [item.is_current for group in context["navigation"] for item in group.items] == [
        True,
        *[False] * 7,
    ]


def test_shell_is_bare_without_an_enterprise(owner: User) -> None:
    for user in (owner, AnonymousUser()):
        request = RequestFactory().get("/")
        request.user = user

        assert shell(request) == {"theme": "auto"}


def test_shell_stands_without_a_user() -> None:
    assert shell(RequestFactory().get("/")) == {"theme": "auto"}


def test_initials() -> None:
    assert User(username="olivia").initials == "O"
    assert User(username="mona-lisa").initials == "ML"
    assert User(username="x", first_name="Ada", last_name="King Lovelace").initials == "AL"
