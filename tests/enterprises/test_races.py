"""Ways in, roles, names, files and secrets when eight come at the same moment, and without each guard."""

from __future__ import annotations

import io
from threading import Barrier

import pytest
from cryptography.fernet import Fernet
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from pytest_django import Settings

from connect.models import Connection
from enterprises import keys, services, setup_codes, throttling, uploads
from enterprises.founding import Particulars, set_up
from enterprises.models import (
    ApiToken,
    AuditEvent,
    Deployment,
    Enterprise,
    Role,
    RoleName,
    SetupCode,
    SignInLink,
    StagedUpload,
    User,
)
from enterprises.services import LinkNotValid
from enterprises.setup_codes import SetupClosed, SetupCodeWrong
from tests.connect.connections import make_connected
from tests.factories import NOW, PASSWORD, make_enterprise, make_role, make_token, make_user
from tests.licensesync.world import make_server
from tests.support.races import THREADS, race, without_condition, without_lock, without_unique

pytestmark = pytest.mark.django_db(transaction=True)


def use_link_eight() -> int:
    """One sign-in link is followed eight times; return how often it let somebody in."""
    secret = services.sign_in_link(user=make_user(), at=NOW).secret

    def act(_number: int) -> User:
        return services.use_sign_in_link(secret=secret, at=NOW)

    found = race(act, before='UPDATE "enterprises_signinlink"', refusals=(LinkNotValid,))
    return sum(isinstance(one, User) for one in found)


def test_link_lets_one_in() -> None:
    assert use_link_eight() == 1


@pytest.mark.postgres
def test_without_the_condition_it_lets_eight_in() -> None:
    with without_condition(SignInLink):
        assert use_link_eight() == THREADS


def set_up_eight() -> int:
    """Eight people enter the setup code; return how many owners there are then."""
    code = setup_codes.setup_secret(at=NOW)

    def act(number: int) -> None:
        set_up(
            code=code,
            username=f"owner-{number}",
            password=PASSWORD,
            slug=f"octo-{number}",
            name="Octo Inc.",
            deployment=Deployment.CLOUD,
            particulars=Particulars(),
            at=NOW,
        )

    race(act, before='DELETE FROM "enterprises_setupcode"', refusals=(SetupClosed, SetupCodeWrong))
    return Role.objects.filter(role=RoleName.OWNER).count()


def test_setup_code_makes_one_owner() -> None:
    assert set_up_eight() == 1
    assert (User.objects.count(), Enterprise.objects.count()) == (1, 1)


@pytest.mark.postgres
def test_without_the_condition_it_makes_eight() -> None:
    with without_condition(SetupCode):
        assert set_up_eight() == THREADS


def step_back_eight() -> int:
    """All eight owners of an enterprise become billing managers; return how many owners are left."""
    enterprise = make_enterprise()
    owners = [make_user() for _number in range(THREADS)]
    for owner in owners:
        make_role(owner, enterprise)

    def act(number: int) -> None:
        make_role(owners[number], enterprise, RoleName.BILLING_MANAGER)

    race(act, before='UPDATE "enterprises_role"', refusals=(ValidationError,))
    return Role.objects.filter(role=RoleName.OWNER).count()


def test_enterprise_keeps_one_owner() -> None:
    assert step_back_eight() == 1


@pytest.mark.postgres
def test_without_the_lock_it_keeps_none() -> None:
    with without_lock(Enterprise):
        assert step_back_eight() == 0


def delete_eight_owners() -> int:
    """All owners of an enterprise leave at the same moment; return how many stay."""
    owners = [make_user() for _each in range(THREADS)]
    enterprise = make_enterprise(owner=owners[0])
    for owner in owners[1:]:
        make_role(owner, enterprise)

    race(
        lambda number: services.delete_user(user=owners[number], at=NOW),
        before='INSERT INTO "enterprises_auditevent"',
        refusals=(ValidationError,),
    )
    return Role.objects.count()


def test_of_eight_owners_who_leave_one_stays() -> None:
    assert delete_eight_owners() == 1


@pytest.mark.postgres
def test_without_the_lock_all_owners_leave() -> None:
    with without_lock(Enterprise):
        assert delete_eight_owners() == 0


def grant_eight() -> int:
    """Eight times the same person gets their first role; return how often the audit log says so."""
    enterprise, user = make_enterprise(), make_user()

    race(lambda _number: make_role(user, enterprise), before='INSERT INTO "enterprises_role"')

    return AuditEvent.objects.filter(action="business.add_admin").count()


def test_first_role_is_given_once() -> None:
    assert grant_eight() == 1


@pytest.mark.postgres
def test_without_the_lock_it_is_given_eight_times() -> None:
    with without_lock(Enterprise):
        assert grant_eight() == THREADS


def revoke_eight() -> int:
    """One token is revoked eight times; return how often the audit log says so."""
    token, _secret = make_token(make_user())

    race(lambda _number: services.revoke_api_token(token=token, at=NOW), before='UPDATE "enterprises_apitoken"')

    return AuditEvent.objects.filter(action="api_token.revoke").count()


def test_token_is_revoked_once() -> None:
    assert revoke_eight() == 1


@pytest.mark.postgres
def test_without_the_condition_it_is_revoked_eight_times() -> None:
    with without_condition(ApiToken):
        assert revoke_eight() == THREADS


def name_eight() -> tuple[int, list[str]]:
    """Eight times somebody takes the same names; return how many have them, and what the others are told."""

    def act(number: int) -> None:
        services.create_user(username="olivia", password=PASSWORD, at=NOW)

    found = race(act, before='INSERT INTO "enterprises_user"', refusals=(ValidationError,))
    return User.objects.filter(username="olivia").count(), [type(one).__name__ for one in found if one]


def test_name_is_taken_once() -> None:
    assert name_eight() == (1, ["ValidationError"] * (THREADS - 1))


def test_short_name_is_taken_once() -> None:
    found = race(
        lambda _number: make_enterprise("octo"),
        before='INSERT INTO "enterprises_enterprise"',
        refusals=(ValidationError,),
    )

    assert sum(isinstance(one, ValidationError) for one in found) == THREADS - 1


@pytest.mark.postgres
def test_without_the_constraints_eight_people_are_called_olivia() -> None:
    with without_unique(User, "username"), without_unique(User, "user_username_unique_in_any_case"):
        assert name_eight() == (THREADS, [])
    assert name_eight()[0] == 1


def upload_eight() -> int:
    """One person sends the same file eight times; return how many files wait."""
    enterprise, user = make_enterprise(), make_user()

    def act(_number: int) -> None:
        with transaction.atomic():
            uploads.stage_upload(
                enterprise=enterprise, purpose="seats", stream=io.BytesIO(b"1"), name="seats.csv", by=user, at=NOW
            )
            # Nobody's transaction ends before everybody has put earlier files away.
            StagedUpload.objects.exists()

    race(act, before='SELECT .* AS "a" FROM "enterprises_stagedupload"')
    return StagedUpload.objects.count()


def test_one_file_of_a_person_waits() -> None:
    assert upload_eight() == 1


@pytest.mark.postgres
def test_without_the_lock_eight_do() -> None:
    with without_lock(Enterprise):
        assert upload_eight() == THREADS


def test_file_that_is_applied_while_it_is_read_is_not_found() -> None:
    user = make_user()
    upload = uploads.stage_upload(
        enterprise=make_enterprise(), purpose="seats", stream=io.BytesIO(b"1\n"), name="seats.csv", by=user, at=NOW
    )
    stream = uploads.open_upload(upload)

    uploads.discard_upload(StagedUpload.objects.get())

    with pytest.raises(Http404):
        stream.read()
    uploads.keep_review(upload, {})


def rotate_behind(settings: Settings) -> str:
    """Eight rotations of the keys are overtaken by a new token; return the token that is kept."""
    settings.FIELD_ENCRYPTION_KEYS = [older := Fernet.generate_key().decode()]
    make_connected(make_server(), "https://cloud.example")
    Connection.objects.update(token="older")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode(), older]

    def renew() -> None:
        Connection.objects.update(token="newer")

    race(lambda _number: keys.rotate_keys(), before='UPDATE "connect_connection" SET "token"', meanwhile=renew)
    return Connection.objects.get().token


def test_rotation_keeps_what_is_newer(settings: Settings) -> None:
    assert rotate_behind(settings) == "newer"


@pytest.mark.postgres
def test_without_the_condition_it_brings_back_what_was(settings: Settings) -> None:
    with without_condition(Connection):
        assert rotate_behind(settings) == "older"


class LookAndSet:
    """A cache whose counter is read first and written then; all eight read it before any of them writes."""

    def __init__(self) -> None:
        self._all_read = Barrier(THREADS)
        self.add = cache.add

    def incr(self, key: str) -> int:
        count = int(cache.get(key)) + 1
        self._all_read.wait(timeout=30)
        cache.set(key, count)
        return count


def count_eight() -> int:
    """Eight failed attempts are counted; return the highest count."""
    return max(race(lambda _number: throttling._count("failures")))


def test_eight_failures_count_as_eight() -> None:
    assert count_eight() == THREADS


def test_without_the_counter_of_the_cache_they_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "cache", LookAndSet())

    assert count_eight() == 1
