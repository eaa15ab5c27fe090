"""Server accounts, and the people that they belong to.

Both are written by set-based statements under the ledger's lock and by nothing else; the database
does not check their foreign keys row by row (docs/adr/bulk-tables-without-foreign-keys.md).
"""

from typing import Final

from django.db import models
from django.db.models import F, Func
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cloud.models.books import Ledger
from cloud.models.installations import Installation
from cloud.models.members import Member
from enterprises.fields import CodePointTextField

SINCE: Final = Func(
    F("since_revision"),
    template="COALESCE(%(expressions)s, 0)",
    output_field=models.BigIntegerField(),
)
"""The revision with which a person came, 0 where that was before revisions were kept; an index has these very words."""


class ServerAccount(models.Model):
    """A license-consuming account of a server, and the person that it belongs to.

    ``person_key`` is ``m:NUMBER`` for a member, ``a:ADDRESS`` for a primary address that no member
    holds, ``s:INSTALLATION:USER_ID`` for an account without any. Only ``cloud.matching`` writes it.
    """

    class Rule(models.TextChoices):
        """Why the account belongs to its person, in the order in which the rules are tried."""

        LINKED = "linked", _("linked by GitHub's report")
        IDENTITY = "identity", _("SAML or SCIM identity")
        VERIFIED = "verified", _("verified email address")
        ADDRESS = "address", _("primary email address")
        NONE = "none", _("no primary email address")

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    installation = models.ForeignKey(Installation, models.CASCADE, related_name="server_accounts", db_index=False)
    user_id = models.BigIntegerField()
    line = CodePointTextField()
    primary_address = CodePointTextField(blank=True)
    person_key = CodePointTextField()
    rule = models.CharField(max_length=8, choices=Rule)
    is_ambiguous = models.BooleanField(default=False)

    class Meta:
        """Few and narrow indexes: each one costs a bulk load."""

        constraints = [models.UniqueConstraint("installation", "user_id", name="server_account_once")]
        indexes = [
            models.Index(fields=["ledger", "person_key"], name="server_account_person"),
            models.Index(fields=["ledger", "primary_address"], name="server_account_address"),
        ]

    def __str__(self) -> str:
        """Return the user id."""
        return f"{self.installation_id}:{self.user_id}"


class ConsumedLicense(models.Model):
    """One person. Only ``cloud.consumption`` writes it.

    ``is_counted`` is False for holders of a Visual Studio subscription: listed, not in the total.
    """

    class LicenseType(models.TextChoices):
        """The kind of license, in the words of the REST API."""

        ENTERPRISE = "enterprise", pgettext_lazy("license type", "Enterprise")
        VISUAL_STUDIO = "visual_studio", _("Visual Studio subscription")

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="licenses", db_index=False, db_constraint=False)
    person_key = CodePointTextField()
    member = models.ForeignKey(Member, models.CASCADE, null=True, related_name="+", db_index=False, db_constraint=False)
    label = CodePointTextField()
    license_type = models.CharField(max_length=16, choices=LicenseType)
    is_counted = models.BooleanField()
    on_cloud = models.BooleanField()
    server_accounts = models.PositiveIntegerField()
    is_ambiguous = models.BooleanField()
    # The revision of the books with which the person came; whether with an account that was somebody else's before.
    since_revision = models.BigIntegerField(null=True)
    came_by_move = models.BooleanField(default=False, db_default=False)
    # A cloud.models.Reason; empty where the revision is older than reasons.
    since_reason = models.CharField(max_length=20, blank=True, default="", db_default="")

    class Meta:
        """One row per person; three indexes are the orders of lists, the others find the few among many."""

        constraints = [models.UniqueConstraint("ledger", "person_key", name="license_person_once")]
        indexes = [
            models.Index(fields=["ledger", "label", "person_key"], name="license_order"),
            models.Index(fields=["ledger", "since_revision", "since_reason"], name="license_since_reason"),
            models.Index(
                F("ledger"), F("server_accounts").desc(), F("label"), F("person_key"), name="license_accounts"
            ),
            models.Index(F("ledger"), SINCE.desc(), F("label"), F("person_key"), name="license_newest"),
            models.Index(
                fields=["ledger", "person_key"], condition=models.Q(on_cloud=False), name="license_server_only"
            ),
            models.Index(
                fields=["ledger", "person_key"], condition=models.Q(is_ambiguous=True), name="license_ambiguous"
            ),
            models.Index(
                fields=["ledger", "person_key"], condition=models.Q(is_counted=False), name="license_subscription"
            ),
        ]

    def __str__(self) -> str:
        """Return what the person is called."""
        return self.label
