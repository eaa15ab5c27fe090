"""What opens a door: API tokens, one-time sign-in links and the setup code, of each only the digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from enterprises.models.people import User

if TYPE_CHECKING:
    from datetime import datetime


class Scope(models.TextChoices):
    """What a token may do; the administrator's scope contains the reader's."""

    READ_ENTERPRISE = "read:enterprise", _("Read licenses and their use")
    ADMIN_ENTERPRISE = "admin:enterprise", _("Everything an owner may do")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def active(self, at: datetime) -> ApiTokenQuerySet:
        """Those that still open a door: neither revoked nor expired, of a person who may sign in."""
        return self.filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=at), revoked_at__isnull=True, user__is_active=True
        )


class ApiToken(models.Model):
    """A token for the API: only its digest is kept, the secret is shown once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = [models.CheckConstraint(condition=~Q(digest=""), name="api_token_has_digest")]

    def __str__(self) -> str:
        return self.name

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN_ENTERPRISE in self.scopes


class SignInLink(models.Model):
    """A one-time way in, of which only the digest is kept: issued -> used, or expired."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("sign-in link")
        verbose_name_plural = _("sign-in links")
        constraints = [
            models.CheckConstraint(condition=~Q(digest=""), name="sign_in_link_has_digest"),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("created_at")), name="sign_in_link_expires_later"
            ),
        ]

    def __str__(self) -> str:
        return f"sign-in link of {self.user_id}"


class SetupCode(models.Model):
    """The code that lets the first owner in; one row at most, gone as soon as it has served."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("setup code")
        verbose_name_plural = _("setup codes")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="setup_code_single")]

    def __str__(self) -> str:
        return "setup code"
