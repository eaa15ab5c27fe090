"""Who is listed on the cloud account, and by which addresses they are known."""

from typing import Final

from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Length, Replace, Substr
from django.utils.translation import gettext_lazy as _

from cloud.models.books import Ledger
from enterprises.fields import CodePointTextField

ENTERPRISE_ROLE: Final = "enterprise_"
"""With this begin the roles of the enterprise; the others are held in an organization."""


class Member(models.Model):
    """A person listed on the cloud account. ``number`` is the id that the cloud gave them.

    ``details`` holds what only reports show, in the words of the import; ``digest`` covers all that
    was imported, addresses included, so that an import touches only what differs. ``roles_digest`` is the
    digest from which the rows of ``MemberRole`` were made: another one means that they are to be made again.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="members", db_index=False)
    number = models.BigIntegerField()
    login = CodePointTextField()
    name = models.TextField(blank=True)
    is_license_consuming = models.BooleanField()
    has_matched_subscription = models.BooleanField(default=False)
    details = models.JSONField(default=dict)
    digest = models.CharField(max_length=32)
    roles_digest = models.CharField(max_length=32, default="", db_default="")
    # "true", "false", or nothing where the import did not say.
    two_factor = models.GeneratedField(
        expression=KT("details__two_factor"), output_field=models.CharField(max_length=5, null=True), db_persist=True
    )

    class Meta:
        """Numbers and logins are unique in an account; the indexes find members by two-factor state, and old roles."""

        constraints = [
            models.UniqueConstraint("ledger", "number", name="member_ledger_number"),
            models.UniqueConstraint("ledger", "login", name="member_ledger_login"),
        ]
        indexes = [
            models.Index(fields=["ledger", "two_factor", "number"], name="member_two_factor"),
            models.Index(fields=["ledger"], condition=~Q(roles_digest=F("digest")), name="member_old_roles"),
        ]

    def __str__(self) -> str:
        """Return the login."""
        return self.login


class MemberAddress(models.Model):
    """A normalized value that a member holds, and how good it is for matching."""

    class Rank(models.IntegerChoices):
        """Lower is looked at first; ``OTHER`` never matches."""

        IDENTITY = 1, _("SAML or SCIM identity")
        VERIFIED = 2, _("Verified email address")
        OTHER = 3, _("Unverified email address")

        @property
        def held_as(self) -> str:
            """What programs read of it."""
            return {1: "identity", 2: "verified", 3: "unverified"}[self.value]

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    number = models.BigIntegerField()
    rank = models.PositiveSmallIntegerField(choices=Rank)
    value = CodePointTextField()
    # From the last @ on, with it; a value without one is whole, and never equals such a domain.
    at_domain = models.GeneratedField(
        expression=Substr("value", Length(Func(F("value"), Replace("value", Value("@"), Value("")), function="RTRIM"))),
        output_field=CodePointTextField(),
        db_persist=True,
    )

    class Meta:
        """The first index answers a match without touching the table, the second finds who is known on a domain."""

        constraints = [models.UniqueConstraint("ledger", "number", "rank", "value", name="member_address_once")]
        indexes = [
            models.Index(fields=["ledger", "value", "rank", "number"], name="member_address_match"),
            models.Index(fields=["ledger", "at_domain", "number"], name="member_address_domain"),
        ]

    def __str__(self) -> str:
        """Return rank and owner, never the address."""
        return f"{self.number}: {self.rank}"


class MemberRole(models.Model):
    """What a member is in an organization, or in the enterprise (``ENTERPRISE_ROLE``), where ``organization`` is empty.

    Made of ``Member.details`` (``cloud.members.roles`` says how), so that lists are narrowed by index. Lower case.
    """

    OUTSIDE_COLLABORATOR: Final = "outside_collaborator"
    PENDING_INVITATION: Final = "pending_invitation"

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    number = models.BigIntegerField()
    organization = CodePointTextField(blank=True)
    role = CodePointTextField()

    class Meta:
        """Unique, and found by organization, by role, and by both."""

        constraints = [models.UniqueConstraint("ledger", "number", "organization", "role", name="member_role_once")]
        indexes = [
            models.Index(fields=["ledger", "organization", "role", "number"], name="member_role_organization"),
            models.Index(fields=["ledger", "role", "number"], name="member_role_role"),
        ]

    def __str__(self) -> str:
        """Return the role and where it is held."""
        return f"{self.role} of {self.organization}" if self.organization else self.role


class MemberLink(models.Model):
    """A server account that GitHub's own report lists in a member's row."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    number = models.BigIntegerField()
    hostname = CodePointTextField()
    user_id = models.BigIntegerField()

    class Meta:
        """Unique, and found from the account's side."""

        constraints = [models.UniqueConstraint("ledger", "hostname", "user_id", "number", name="member_link_once")]

    def __str__(self) -> str:
        """Return host:id."""
        return f"{self.hostname}:{self.user_id}"
