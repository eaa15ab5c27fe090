"""People, the enterprises they own or pay for, and what is remembered about what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from datetime import datetime

validate_slug = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?\Z",
    _("Use lower-case letters, digits and hyphens; begin and end with a letter or digit."),
)


class Deployment(models.TextChoices):
    """The side an enterprise is on."""

    SERVER = "server", _("Enterprise Server")
    CLOUD = "cloud", _("Enterprise Cloud")


class Kind(models.TextChoices):
    """What a cloud account is; a server's account is always an enterprise."""

    ENTERPRISE = "enterprise", _("enterprise")
    ORGANIZATION = "organization", _("organization")


class RoleName(models.TextChoices):
    OWNER = "owner", _("enterprise owner")
    BILLING_MANAGER = "billing_manager", _("billing manager")


class Theme(models.TextChoices):
    AUTO = "auto", _("Same as the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Scope(models.TextChoices):
    """What a token may do; the administrator's scope contains the reader's."""

    READ_ENTERPRISE = "read:enterprise", _("Read licenses and their use")
    ADMIN_ENTERPRISE = "admin:enterprise", _("Everything an owner may do")


class User(AbstractUser):
    """A person who can sign in. An empty language or time zone means: as the browser asks, and UTC."""

    language = models.CharField(max_length=8, blank=True, default="")
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.AUTO)
    time_zone = models.CharField(max_length=64, blank=True, default="")

    # Set by access.enterprise_for for the length of one request, so that the shell asks the database nothing.
    current_role: Role | None = None

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique_in_any_case"),
            models.CheckConstraint(condition=Q(theme__in=Theme.values), name="user_theme_known"),
        ]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.get_username()

    @property
    def initials(self) -> str:
        """One or two capitals for the avatar."""
        words = self.display_name.replace("-", " ").replace("_", " ").replace(".", " ").split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


class EnterpriseQuerySet(models.QuerySet["Enterprise"]):
    def visible_to(self, user: User | AnonymousUser) -> EnterpriseQuerySet:
        """Those in which the user has any role."""
        return self.filter(pk__in=Role.objects.filter(user_id=user.pk).values("enterprise"))

    def owned_by(self, user: User | AnonymousUser) -> EnterpriseQuerySet:
        owner = Role.objects.filter(user_id=user.pk, role=RoleName.OWNER)
        return self.filter(pk__in=owner.values("enterprise"))


class Enterprise(models.Model):
    """A server's enterprise account, or an enterprise or organization on the cloud's side."""

    slug = models.CharField(max_length=60, unique=True, validators=[validate_slug])
    name = models.CharField(max_length=120)
    deployment = models.CharField(max_length=8, choices=Deployment)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.ENTERPRISE)
    created_at = models.DateTimeField()

    objects = EnterpriseQuerySet.as_manager()

    class Meta:
        verbose_name = _("enterprise")
        verbose_name_plural = _("enterprises")
        constraints = [
            models.CheckConstraint(
                condition=Q(deployment__in=Deployment.values), name="enterprise_deployment_known"
            ),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="enterprise_kind_known"),
            models.CheckConstraint(
                condition=Q(deployment=Deployment.CLOUD) | Q(kind=Kind.ENTERPRISE),
                name="enterprise_server_is_no_organization",
            ),
            models.CheckConstraint(condition=~Q(slug=""), name="enterprise_slug_not_empty"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def is_server(self) -> bool:
        return self.deployment == Deployment.SERVER

    @property
    def is_cloud(self) -> bool:
        return self.deployment == Deployment.CLOUD

    @property
    def is_organization(self) -> bool:
        return self.kind == Kind.ORGANIZATION


class Role(models.Model):
    """One person's part in one enterprise: exactly one, so owner and billing manager exclude each other."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="roles")
    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=16, choices=RoleName)

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.UniqueConstraint(fields=["user", "enterprise"], name="role_one_per_user_and_enterprise"),
            models.CheckConstraint(condition=Q(role__in=RoleName.values), name="role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} of {self.enterprise_id}"

    @property
    def is_owner(self) -> bool:
        return self.role == RoleName.OWNER


class AuditEvent(models.Model):
    """What somebody did, written once and never changed; without an enterprise when it concerns a person only."""

    enterprise = models.ForeignKey(
        Enterprise, null=True, blank=True, on_delete=models.CASCADE, related_name="audit_events"
    )
    actor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="audit_events"
    )
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=64)
    ip = models.CharField(max_length=45, blank=True, default="")
    target = models.CharField(max_length=255, blank=True, default="")
    before = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        indexes = [models.Index(fields=["enterprise", "-at", "-id"], name="audit_event_by_enterprise")]
        constraints = [
            models.CheckConstraint(condition=~Q(action=""), name="audit_event_has_action"),
            models.CheckConstraint(condition=~Q(actor_name=""), name="audit_event_has_actor_name"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_name}"


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


class StagedUpload(models.Model):
    """A file that waits in the database between its preview and its apply, or until it expires.

    It lies in the database because web processes on several machines share nothing else.
    """

    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="staged_uploads")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=16)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("staged upload")
        verbose_name_plural = _("staged uploads")

    def __str__(self) -> str:
        return self.name


class StagedUploadPiece(models.Model):
    """A piece of a staged upload, compressed on its own."""

    upload = models.ForeignKey(StagedUpload, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="staged_upload_piece_once")]

    def __str__(self) -> str:
        return f"piece {self.number}"
