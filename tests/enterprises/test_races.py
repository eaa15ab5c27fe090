"""One-time codes let in one person, however many ask at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from enterprises.founding import Particulars, set_up
from enterprises.models import Deployment, Enterprise, Role, User
from enterprises.services import (
    LinkNotValid,
    SetupClosed,
    SetupCodeWrong,
    delete_user,
    setup_secret,
    sign_in_link,
    use_sign_in_link,
)
from tests.factories import NOW, PASSWORD, make_role, make_server_enterprise, make_user
from tests.support.races import THREADS, race, without_lock

pytestmark = pytest.mark.django_db(transaction=True)

RUNNERS = 8


def winners(attempt: Callable[[int], object], *refusals: type[Exception]) -> int:
    """How many of eight attempts at the same moment were not refused."""
    barrier = threading.Barrier(RUNNERS)

    def run(number: int) -> bool:
        # Two threads miss a broken claim; eight, each with its connection open beforehand, catch it.
        connection.ensure_connection()
        try:
            barrier.wait()
            attempt(number)
        except refusals:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(RUNNERS) as pool:
        return sum(pool.map(run, range(RUNNERS)))


def test_link_lets_one_in() -> None:
    secret = sign_in_link(user=make_user("olivia"), at=NOW).secret

    assert winners(lambda _number: use_sign_in_link(secret=secret, at=NOW), LinkNotValid) == 1


def delete_eight_owners() -> int:
    """All owners of an enterprise leave at the same moment; return how many stay."""
    owners = [make_user() for _each in range(THREADS)]
    enterprise = make_server_enterprise("octo", owner=owners[0])
    for owner in owners[1:]:
        make_role(owner, enterprise)
    race(
        lambda number: delete_user(user=owners[number], at=NOW),
        before='INSERT INTO "enterprises_auditevent"',
        refusals=(ValidationError,),
    )
    return Role.objects.count()


def test_of_eight_owners_who_leave_one_stays() -> None:
    assert delete_eight_owners() == 1


@pytest.mark.postgres
def test_without_the_lock_all_owners_leave() -> None:
    with without_lock(Role):
        assert delete_eight_owners() == 0


def test_setup_code_makes_one_owner() -> None:
    code = setup_secret(at=NOW)

    def attempt(number: int) -> User:
        return set_up(
            code=code,
            username=f"owner-{number}",
            password=PASSWORD,
            slug=f"octo-{number}",
            name="Octo Inc.",
            deployment=Deployment.CLOUD,
            particulars=Particulars(),
            at=NOW,
        )

    assert winners(attempt, SetupClosed, SetupCodeWrong) == 1
    assert (User.objects.count(), Enterprise.objects.count(), Role.objects.count()) == (1, 1, 1)
