"""Makes people, enterprises, roles and tokens for tests: typed, valid by default, each call a new one."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

from django.contrib.auth.hashers import make_password

from enterprises.models import ApiToken, Deployment, Enterprise, Kind, Role, RoleName, Scope, User
from enterprises.services import create_api_token, create_enterprise, grant_role

PASSWORD = "correct-horse-battery-staple"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

_numbers = count(1)


def make_user(username: str = "", *, password: str = PASSWORD, **fields: str) -> User:
    """Somebody who can sign in with PASSWORD."""
    name = username or f"person-{next(_numbers)}"
    return User.objects.create(username=name, password=make_password(password), **fields)


def make_enterprise(
    slug: str = "",
    *,
    deployment: Deployment = Deployment.SERVER,
    kind: Kind = Kind.ENTERPRISE,
    owner: User | None = None,
    name: str = "",
    at: datetime = NOW,
) -> Enterprise:
    """The account alone, without a server's identity or a cloud's ledger."""
    return create_enterprise(
        slug=slug or f"enterprise-{next(_numbers)}", deployment=deployment, kind=kind, owner=owner, name=name, at=at
    )


def make_server_enterprise(slug: str = "", *, owner: User | None = None) -> Enterprise:
    return make_enterprise(slug, deployment=Deployment.SERVER, owner=owner)


def make_cloud_enterprise(slug: str = "", *, owner: User | None = None, kind: Kind = Kind.ENTERPRISE) -> Enterprise:
    return make_enterprise(slug, deployment=Deployment.CLOUD, owner=owner, kind=kind)


def make_role(user: User, enterprise: Enterprise, role: RoleName = RoleName.OWNER) -> Role:
    return grant_role(user=user, enterprise=enterprise, role=role, at=NOW)


def make_billing_manager(user: User, enterprise: Enterprise) -> Role:
    return make_role(user, enterprise, RoleName.BILLING_MANAGER)


def make_token(
    user: User, *scopes: Scope, expires_at: datetime | None = None, at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A token and its secret; without scopes it may read."""
    new = create_api_token(user=user, scopes=scopes or [Scope.READ_ENTERPRISE], expires_at=expires_at, at=at or NOW)
    return new.token, new.secret
