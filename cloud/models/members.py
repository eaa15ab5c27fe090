"""Who is listed on the cloud account, and by which addresses they are known."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cloud.models.books import Ledger
from enterprises.fields import CodePointTextField


class Member(models.Model):
    """A person listed on the cloud account. ``number`` is the id that the cloud gave them.

    ``details`` holds what only reports show, in the words of the import; ``digest`` covers all that
    was imported, addresses included, so that an import touches only what differs.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="members", db_index=False)
    number = models.BigIntegerField()
    login = CodePointTextField()
    name = models.TextField(blank=True)
    is_license_consuming = models.BooleanField()
    has_matched_subscription = models.BooleanField(default=False)
    details = models.JSONField(default=dict)
    digest = models.CharField(max_length=32)

    class Meta:
        """Numbers and logins are unique in an account."""

        constraints = [
            models.UniqueConstraint("ledger", "number", name="member_ledger_number"),
            models.UniqueConstraint("ledger", "login", name="member_ledger_login"),
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

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    number = models.BigIntegerField()
    rank = models.PositiveSmallIntegerField(choices=Rank)
    value = CodePointTextField()

    class Meta:
        """The second index answers a match without touching the table."""

        constraints = [models.UniqueConstraint("ledger", "number", "rank", "value", name="member_address_once")]
        indexes = [models.Index(fields=["ledger", "value", "rank", "number"], name="member_address_match")]

    def __str__(self) -> str:
        """Return rank and owner, never the address."""
        return f"{self.number}: {self.rank}"


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
