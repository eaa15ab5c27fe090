"""The books of one cloud account, the domains it holds, and its history."""

from django.db import models

from enterprises.fields import CodePointTextField
from enterprises.models import Enterprise


class Ledger(models.Model):
    """The books of one cloud account: its revision and totals. Its row is the lock of all writers.

    The totals are written only by ``cloud.consumption`` and read only through
    ``cloud.consumption.totals``.
    """

    enterprise = models.OneToOneField(Enterprise, models.CASCADE, related_name="ledger")
    revision = models.BigIntegerField(default=0)
    seats_purchased = models.PositiveIntegerField(default=0)
    cloud_licenses = models.PositiveIntegerField(default=0)
    server_seats = models.PositiveIntegerField(default=0)
    consumed = models.PositiveIntegerField(default=0)
    listed = models.PositiveIntegerField(default=0)
    members_imported_at = models.DateTimeField(null=True, blank=True)
    # "Enterprise with managed users": the company owns the accounts of its members, and all their addresses are shown.
    managed_users = models.BooleanField(default=False, db_default=False)

    def __str__(self) -> str:
        """Return the account and the revision."""
        return f"{self.enterprise_id} at {self.revision}"


class VerifiedDomain(models.Model):
    """A domain that the account verified or approved."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="domains")
    domain = CodePointTextField()
    verified_at = models.DateTimeField(null=True, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A domain stands once."""

        constraints = [models.UniqueConstraint("ledger", "domain", name="verified_domain_once")]

    def __str__(self) -> str:
        """Return the domain."""
        return self.domain


class DomainChallenge(models.Model):
    """How a domain is proved: the code that its DNS record has to hold, and what DNS last said of it.

    It is beside `VerifiedDomain`, whose rows alone take effect, from the day the domain is added until it is deleted.
    ``check_at`` is set while the domain is verified: then the record is looked up again.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="challenges", db_index=False)
    domain = CodePointTextField()
    code = models.CharField(max_length=64)
    added_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    checked_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True, default="", db_default="")
    check_at = models.DateTimeField(null=True, blank=True, db_index=True)
    unanswered = models.PositiveSmallIntegerField(default=0, db_default=0)
    missing_since = models.DateTimeField(null=True, blank=True)
    lapsed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A domain has one challenge."""

        constraints = [models.UniqueConstraint("ledger", "domain", name="domain_challenge_once")]

    def __str__(self) -> str:
        """Return the domain."""
        return self.domain


class UsagePoint(models.Model):
    """Licenses of one day (UTC): the last count, and the highest."""

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="usage", db_index=False)
    day = models.DateField()
    consumed = models.PositiveIntegerField()
    peak = models.PositiveIntegerField()
    counted_apart = models.PositiveIntegerField()
    purchased = models.PositiveIntegerField()

    class Meta:
        """One point a day."""

        constraints = [models.UniqueConstraint("ledger", "day", name="usage_point_day")]

    def __str__(self) -> str:
        """Return the day and the count."""
        return f"{self.day}: {self.consumed}"
