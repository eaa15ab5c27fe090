"""API tokens are kept as digests, open what their scopes and their person's role allow, and close for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import OperationalError, connection
from django.forms.models import model_to_dict
from django.http import Http404

from enterprises.access import Need, authenticate_token, enterprise_for_token
from enterprises.models import ApiToken, AuditEvent, Deployment, Enterprise, Scope, User
from enterprises.services import create_api_token, revoke_api_token
from tests.factories import NOW, make_token

CLOUD = Deployment.CLOUD
READ, ADMIN = Scope.READ_ENTERPRISE, Scope.ADMIN_ENTERPRISE


def test_secret_is_not_stored(owner: User) -> None:
    token, secret = make_token(owner)

    assert secret not in str(model_to_dict(ApiToken.objects.get(pk=token.pk)))
    assert len(secret) > 40


@pytest.mark.parametrize("form", ["token {}", "Bearer {}", "bearer {}", "TOKEN  {}"])
def test_both_header_forms_open(form: str, owner: User) -> None:
    token, secret = make_token(owner)

    assert authenticate_token(form.format(secret)) == token


@pytest.mark.parametrize("form", ["{}", "Basic {}", "token", "token {} x", "", "token é{}"])
def test_other_headers_open_nothing(form: str, owner: User) -> None:
    _token, secret = make_token(owner)

    assert authenticate_token(form.format(secret)) is None


def test_unknown_secret_opens_nothing(owner: User) -> None:
    assert authenticate_token("token lss_nobody-ever-made-this-one") is None


def test_expired_token_opens_nothing(owner: User) -> None:
    _token, secret = make_token(owner, expires_at=NOW + timedelta(days=1))

    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert authenticate_token(f"token {secret}") is None


def test_token_opens_until_it_expires(owner: User) -> None:
    token, secret = make_token(owner, expires_at=NOW + timedelta(days=1))

    with time_machine.travel(NOW + timedelta(hours=23), tick=False):
        assert authenticate_token(f"token {secret}") == token


def test_revoked_token_opens_nothing(owner: User) -> None:
    token, secret = make_token(owner)

    assert revoke_api_token(token=token, by=owner, at=NOW)
    assert not revoke_api_token(token=token, by=owner, at=NOW)
    assert authenticate_token(f"token {secret}") is None
    assert AuditEvent.objects.filter(action="api_token.revoke").count() == 1


def test_token_of_somebody_locked_out_opens_nothing(owner: User) -> None:
    _token, secret = make_token(owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)

    assert authenticate_token(f"token {secret}") is None


def test_use_is_noted_once_a_minute(owner: User) -> None:
    _token, secret = make_token(owner)

    for second in (0, 30, 61):
        with time_machine.travel(NOW + timedelta(seconds=second), tick=False):
            authenticate_token(f"token {secret}")

    assert ApiToken.objects.get().last_used_at == NOW + timedelta(seconds=61)


def test_token_opens_while_its_use_cannot_be_noted(owner: User) -> None:
    token, secret = make_token(owner)

    def locked(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith('UPDATE "enterprises_apitoken"'):
            raise OperationalError("database is locked")
        return execute(sql, *arguments)

    with connection.execute_wrapper(locked):
        assert authenticate_token(f"token {secret}") == token


def test_scope_and_role_open_the_enterprise(owner: User, cloud_enterprise: Enterprise) -> None:
    token, _secret = make_token(owner, READ)

    assert enterprise_for_token(token, "octo", deployment=CLOUD, scope=READ) == cloud_enterprise


def test_missing_scope_is_refused(owner: User, cloud_enterprise: Enterprise) -> None:
    token, _secret = make_token(owner, READ)

    with pytest.raises(PermissionDenied):
        enterprise_for_token(token, "octo", deployment=CLOUD, scope=ADMIN)


def test_administrators_scope_contains_the_readers(owner: User, cloud_enterprise: Enterprise) -> None:
    token, _secret = make_token(owner, ADMIN)

    assert enterprise_for_token(token, "octo", deployment=CLOUD, scope=READ) == cloud_enterprise


def test_scope_does_not_replace_the_role(billing_manager: User, cloud_enterprise: Enterprise) -> None:
    token, _secret = make_token(billing_manager, ADMIN)

    with pytest.raises(PermissionDenied):
        enterprise_for_token(token, "octo", deployment=CLOUD, scope=ADMIN, need=Need.OWN)


@pytest.mark.parametrize("slug", ["octo", "no-such-enterprise"])
def test_strangers_token_sees_nothing_even_without_scope(
    slug: str, stranger: User, cloud_enterprise: Enterprise
) -> None:
    token, _secret = make_token(stranger, READ)

    with pytest.raises(Http404):
        enterprise_for_token(token, slug, deployment=CLOUD, scope=ADMIN)


@pytest.mark.parametrize("scopes", [[], ["repo"], ["read:enterprise", "everything"]])
def test_unknown_or_no_scopes_are_refused(scopes: list[str], owner: User) -> None:
    with pytest.raises(ValidationError):
        create_api_token(user=owner, scopes=scopes, at=NOW)


def test_expiry_in_the_past_is_refused(owner: User) -> None:
    with pytest.raises(ValidationError):
        create_api_token(user=owner, scopes=[READ], expires_at=datetime(2020, 1, 1, tzinfo=UTC), at=NOW)
