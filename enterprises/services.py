"""What can be done to people, enterprises, tokens and sign-in links: one transaction each, its audit row inside."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from enterprises import audit, preferences
from enterprises.models import (
    ApiToken,
    Deployment,
    Enterprise,
    Kind,
    Role,
    RoleName,
    Scope,
    SignInLink,
    User,
)
from enterprises.secrets import digest, new_secret

if TYPE_CHECKING:
    from collections.abc import Iterable

LINK_LIVES = timedelta(minutes=15)
# No letter or digit that is mistaken for another when read aloud or typed.
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


class LinkNotValid(Exception):
    """The sign-in link does not exist, has served, or is older than its fifteen minutes."""


@dataclass(frozen=True)
class NewUser:
    """A person and the password that is shown once."""

    user: User
    password: str


@dataclass(frozen=True)
class NewToken:
    """A token and its secret, which is shown once."""

    token: ApiToken
    secret: str


@dataclass(frozen=True)
class NewLink:
    """A one-time way in and its secret, which is shown once."""

    link: SignInLink
    secret: str


def _new_password() -> str:
    """About 99 bits in four groups."""
    groups = ("".join(secrets.choice(READABLE) for _each in range(5)) for _group in range(4))
    return "-".join(groups)


def _insert(row: User | Enterprise) -> None:
    """Save a new row whose name nobody else has.

    :raises ValidationError: the name is taken or malformed
    """
    row.full_clean()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Somebody took the name at this very moment: now the same check says so.
        row.full_clean()
        raise


@transaction.atomic
def create_user(
    *, username: str, at: datetime, by: User | None = None, password: str = "", email: str = "", ip: str = ""
) -> NewUser:
    """A person; without a password one is made up. Usernames are kept in lower case.

    :raises ValidationError: the username is taken or malformed, or the password too weak
    """
    user = User(username=username.strip().lower(), email=email.strip(), date_joined=at)
    if password:
        validate_password(password, user)
    secret = password or _new_password()
    user.set_password(secret)
    _insert(user)
    audit.record(enterprise=None, action="user.create", by=by, ip=ip, target=user.username, at=at)
    return NewUser(user, secret)


@transaction.atomic
def delete_user(*, user: User, at: datetime, by: User | None = None, ip: str = "") -> None:
    """Delete a person with their roles, tokens and links; what they did stays in the audit log under their username.

    :raises ValidationError: nobody would own an enterprise any more
    """
    owned = Enterprise.objects.owned_by(user)
    # The enterprises are held, so that two owners cannot leave at the same time.
    held = list(owned.select_for_update(no_key=True).order_by("pk"))
    others = Role.objects.filter(enterprise__in=held, role=RoleName.OWNER).exclude(user=user).values("enterprise")
    orphans = list(owned.exclude(pk__in=others).order_by("slug").values_list("slug", flat=True))
    if orphans:
        raise ValidationError(
            _("%(user)s is the only owner of %(enterprises)s: make somebody else one first.")
            % {"user": user.username, "enterprises": ", ".join(orphans)}
        )
    audit.record(enterprise=None, action="user.destroy", by=by, ip=ip, target=user.username, at=at)
    user.delete()


def needs_address(user: User) -> bool:
    """Whether somebody owns an enterprise and could not be mailed about it."""
    return not user.email and Role.objects.filter(user=user, role=RoleName.OWNER).exists()


@transaction.atomic
def change_preferences(*, user: User, chosen: dict[str, Any], at: datetime, ip: str = "") -> None:
    """Keep what a person chose; that another address is used is audited, the address is not."""
    held = User.objects.values_list("email", flat=True).get(pk=user.pk)
    preferences.save(user, **chosen)
    if chosen.get("email", held) != held:
        audit.record(enterprise=None, action="user.change_email", by=user, ip=ip, target=user.username, at=at)


@transaction.atomic
def create_enterprise(
    *,
    slug: str,
    deployment: Deployment,
    at: datetime,
    by: User | None = None,
    name: str = "",
    kind: Kind = Kind.ENTERPRISE,
    owner: User | None = None,
    ip: str = "",
) -> Enterprise:
    """An enterprise and its first owner. `founding.found` adds what its side needs and is what callers want.

    :raises ValidationError: the slug is taken or malformed, or the kind does not fit the side
    """
    enterprise = Enterprise(slug=slug, name=name or slug, deployment=deployment, kind=kind, created_at=at)
    if audit.looks_secret(enterprise.name):
        raise ValidationError({"name": _("This looks like a password or a token. Enter the name that people read.")})
    _insert(enterprise)
    after = {"name": enterprise.name, "deployment": str(deployment), "kind": str(kind)}
    audit.record(enterprise=enterprise, action="business.create", by=by, ip=ip, target=slug, after=after, at=at)
    if owner is not None:
        grant_role(user=owner, enterprise=enterprise, role=RoleName.OWNER, by=by, at=at, ip=ip)
    return enterprise


@transaction.atomic
def grant_role(
    *, user: User, enterprise: Enterprise, role: RoleName, at: datetime, by: User | None = None, ip: str = ""
) -> Role:
    """Give a person a role, in place of the one they have there.

    :raises ValidationError: nobody would own the enterprise any more
    """
    # The enterprise is held, so that two owners cannot step back at the same time.
    Enterprise.objects.select_for_update(no_key=True).get(pk=enterprise.pk)
    owners = Role.objects.filter(enterprise=enterprise, role=RoleName.OWNER)
    if role != RoleName.OWNER and list(owners.values_list("user", flat=True)) == [user.pk]:
        raise ValidationError(_("An enterprise keeps at least one owner: make somebody else one first."))
    held = Role.objects.filter(user=user, enterprise=enterprise).first()
    before = {"role": held.role} if held else None
    granted, _is_new = Role.objects.update_or_create(user=user, enterprise=enterprise, defaults={"role": role})
    if held is None or held.role != role:
        audit.record(
            enterprise=enterprise,
            action="business.add_admin" if role == RoleName.OWNER else "business.add_billing_manager",
            by=by,
            ip=ip,
            target=user.username,
            before=before,
            after={"role": str(role)},
            at=at,
        )
    return granted


@transaction.atomic
def create_api_token(
    *,
    user: User,
    scopes: Iterable[str],
    at: datetime,
    by: User | None = None,
    name: str = "",
    expires_at: datetime | None = None,
    ip: str = "",
) -> NewToken:
    """A token of which only the digest is kept.

    :raises ValidationError: no scope, an unknown one, or a time of expiry that is over
    """
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in Scope.values]
    if unknown:
        raise ValidationError(_("Unknown scope: %(scopes)s.") % {"scopes": ", ".join(unknown)})
    if not wanted:
        raise ValidationError(_("A token needs at least one scope."))
    if expires_at is not None and expires_at <= at:
        raise ValidationError(_("The token would have expired already."))
    secret = new_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name or ", ".join(wanted),
        digest=digest(secret),
        scopes=wanted,
        expires_at=expires_at,
        created_at=at,
    )
    after = {"name": token.name, "scopes": wanted, "expires_at": expires_at}
    audit.record(enterprise=None, action="api_token.create", by=by, ip=ip, target=user.username, after=after, at=at)
    return NewToken(token, secret)


@transaction.atomic
def revoke_api_token(*, token: ApiToken, at: datetime, by: User | None = None, ip: str = "") -> bool:
    """Close a token for good; False when it was revoked before, which changes nothing."""
    won = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at)
    if won:
        token.revoked_at = at
        before = {"name": token.name, "scopes": token.scopes}
        audit.record(
            enterprise=None,
            action="api_token.revoke",
            by=by,
            ip=ip,
            target=token.user.username,
            before=before,
            at=at,
        )
    return bool(won)


@transaction.atomic
def sign_in_link(*, user: User, at: datetime, by: User | None = None, ip: str = "") -> NewLink:
    """A way in for one use within fifteen minutes.

    :raises ValidationError: the person may not sign in
    """
    if not user.is_active:
        raise ValidationError(_("%(user)s may not sign in.") % {"user": user.username})
    secret = new_secret()
    link = SignInLink.objects.create(user=user, digest=digest(secret), created_at=at, expires_at=at + LINK_LIVES)
    audit.record(enterprise=None, action="sign_in_link.create", by=by, ip=ip, target=user.username, at=at)
    return NewLink(link, secret)


@transaction.atomic
def use_sign_in_link(*, secret: str, at: datetime, ip: str = "") -> User:
    """The person whom the link lets in, once.

    :raises LinkNotValid: unknown, used, expired, or of a person who may not sign in
    """
    link = SignInLink.objects.select_related("user").filter(digest=digest(secret)).first()
    if link is None or not link.user.is_active:
        raise LinkNotValid
    # No condition on another table: PostgreSQL would put it all into a subquery, which a waiting UPDATE does not look
    # at again, and several would win.
    won = SignInLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=at).update(used_at=at)
    if not won:
        raise LinkNotValid
    audit.record(enterprise=None, action="sign_in_link.use", by=link.user, ip=ip, target=link.user.username, at=at)
    return link.user
