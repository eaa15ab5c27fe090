"""The roles of members as rows: what an import makes of them, and what it makes good."""

from typing import Any

import pytest

from cloud.members import Details, roles
from cloud.members.roles import roles_of
from cloud.models import Ledger, Member, MemberRole
from tests.cloud.books import import_members, member

pytestmark = pytest.mark.django_db

CRM: dict[str, Any] = {"repository": "Octo/crm", "visibility": "private"}


def held(ledger: Ledger) -> set[tuple[int, str, str]]:
    return set(MemberRole.objects.filter(ledger=ledger).values_list("number", "organization", "role"))


def test_every_way_to_belong_is_a_role_in_an_organization() -> None:
    details = Details(
        enterprise_roles=("Owner", "Billing manager"),
        member_roles=("Octo:Owner", "labs:Member", "spare/tool:Collaborator", "bare"),
        pending_invites=("new",),
        failed_invites=("lost",),
    )

    assert roles_of(details) == {
        ("", "enterprise_owner"),
        ("", "enterprise_billing_manager"),
        ("octo", "owner"),
        ("labs", "member"),
        ("spare", "outside_collaborator"),
        ("bare", ""),
        ("new", "pending_invitation"),
    }


def test_import_writes_the_roles_of_whom_it_alters_and_takes_them_with_whom_it_removes(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana", outside_collaborator=[CRM, CRM | {"pending": True}]), member(2, "bob"))
    assert held(ledger) == {
        (1, "octo", "member"),
        (1, "octo", "outside_collaborator"),
        (1, "octo", "pending_invitation"),
        (2, "octo", "member"),
    }

    import_members(ledger, member(1, "ana", member_roles=["octo:Owner"]))

    assert held(ledger) == {(1, "octo", "owner")}
    assert roles.catch_up() == 0


def test_roles_that_a_former_version_left_out_or_left_behind_are_made_good(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"), member(2, "bob"), member(3, "cleo"))
    MemberRole.objects.filter(number=1).delete()
    Member.objects.filter(number=1).update(roles_digest="")
    Member.objects.filter(number=2).update(details={"member_roles": ["labs:Owner"]}, digest="of a former version")

    assert roles.catch_up() == 2

    assert held(ledger) == {(1, "octo", "member"), (2, "labs", "owner"), (3, "octo", "member")}
    assert roles.catch_up() == 0


def test_roles_of_many_are_made_good_minute_by_minute(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    import_members(ledger, member(1, "ana"), member(2, "bob"), member(3, "cleo"))
    Member.objects.update(roles_digest="")
    monkeypatch.setattr(roles, "PIECE", 2)
    monkeypatch.setattr(roles, "BUDGET_SECONDS", 0.0)

    assert [roles.catch_up() for _minute in range(3)] == [2, 1, 0]


def test_roles_of_a_member_that_a_former_version_removed_go_with_the_next_import(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana"), member(2, "bob"))
    Member.objects.filter(number=2).delete()

    import_members(ledger, member(1, "ana"))

    assert held(ledger) == {(1, "octo", "member")}
