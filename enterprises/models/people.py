"""People and the enterprises that they own or pay for."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

validate_slug = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?\Z",
    _("Use lower-case letters, digits and hyphens; begin and end with a letter or digit."),
)


# Whoever is not signed in has no id, and no row has this one.
NOBODY = 0


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


class User(AbstractUser):
    """A person who can sign in. An empty language or time zone means: as the browser asks, and UTC."""

    language = models.CharField(max_length=8, blank=True, default="")
    theme = models.CharField(max_length=8, choices=Theme, default=Theme.AUTO)
    time_zone = models.CharField(max_length=64, blank=True, default="")
    wants_notices = models.BooleanField(default=True, db_default=True)

    # Set by access.enterprise_for for the length of one request, so that the shell asks the database nothing.
    current_role: Role | None = None

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.UniqueConstraint(
                Lower("username"),
                name="user_username_unique_in_any_case",
                violation_error_message=_("That username is taken."),
            ),
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
    def owned_by(self, user: User | AnonymousUser) -> EnterpriseQuerySet:
        owner = Role.objects.filter(user_id=user.pk or NOBODY, role=RoleName.OWNER)
        return self.filter(pk__in=owner.values("enterprise"))


class Enterprise(models.Model):
    """A server's enterprise account, or an enterprise or organization on the cloud's side."""

    slug = models.CharField(
        max_length=60,
        unique=True,
        validators=[validate_slug],
        error_messages={"unique": _("That short name is taken.")},
    )
    name = models.CharField(max_length=120)
    deployment = models.CharField(max_length=8, choices=Deployment)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.ENTERPRISE)
    created_at = models.DateTimeField()

    objects = EnterpriseQuerySet.as_manager()

    class Meta:
        verbose_name = _("enterprise")
        verbose_name_plural = _("enterprises")
        constraints = [
            models.CheckConstraint(condition=Q(deployment__in=Deployment.values), name="enterprise_deployment_known"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="enterprise_kind_known"),
            models.CheckConstraint(
                condition=Q(deployment=Deployment.CLOUD) | Q(kind=Kind.ENTERPRISE),
                name="enterprise_server_is_no_organization",
                violation_error_message=_("A server's account is always an enterprise."),
            ),
            models.CheckConstraint(condition=~Q(slug=""), name="enterprise_slug_not_empty"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def side(self) -> Deployment:
        return Deployment(self.deployment)

    @property
    def is_server(self) -> bool:
        return self.deployment == Deployment.SERVER

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
