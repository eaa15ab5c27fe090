"""What each change of the books did: numbers by revision, and by person for as long as the person is there."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from cloud.models.books import Ledger
from cloud.models.installations import Installation
from cloud.models.people import ConsumedLicense
from enterprises.fields import CodePointTextField


class Revision(models.Model):
    """One change of the books, in numbers: nobody is named. ``number`` is the revision of the ledger that it led to.

    Of the people who came, ``people_split`` have an account that was somebody else's before; of those who went,
    ``people_merged`` had an account that is somebody else's now. ``people_matched`` were there before and have more
    server accounts now, ``people_unmatched`` are still there and have fewer.
    """

    class Cause(models.TextChoices):
        """What changed the books."""

        SYNC = "sync", _("License sync")
        MEMBERS = "members", _("Import of members")
        REMOVAL = "removal", _("Server removed")
        RENAME = "rename", _("Server renamed")
        RECOUNT = "recount", _("Recount")

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="revisions", db_index=False)
    number = models.BigIntegerField()
    at = models.DateTimeField(db_index=True)
    cause = models.CharField(max_length=8, choices=Cause)
    installation = models.ForeignKey(Installation, models.SET_NULL, null=True, related_name="revisions")
    hostname = CodePointTextField(blank=True, default="", db_default="")
    snapshot_id = models.UUIDField(null=True)
    accounts_added = models.PositiveIntegerField(default=0, db_default=0)
    accounts_changed = models.PositiveIntegerField(default=0, db_default=0)
    accounts_removed = models.PositiveIntegerField(default=0, db_default=0)
    people_added = models.PositiveIntegerField()
    people_split = models.PositiveIntegerField()
    people_removed = models.PositiveIntegerField()
    people_merged = models.PositiveIntegerField()
    people_matched = models.PositiveIntegerField()
    people_unmatched = models.PositiveIntegerField()
    licenses_added = models.PositiveIntegerField()
    licenses_removed = models.PositiveIntegerField()
    licenses_before = models.PositiveIntegerField()
    licenses_after = models.PositiveIntegerField()
    # False in what was written before reasons were kept.
    has_reasons = models.BooleanField(default=False, db_default=False)

    class Meta:
        """A revision stands once in the books."""

        constraints = [models.UniqueConstraint("ledger", "number", name="revision_ledger_number")]

    def __str__(self) -> str:
        """Return number and cause."""
        return f"{self.number}: {self.cause}"

    @property
    def is_quiet(self) -> bool:
        """Whether it concerned nobody."""
        return not (self.people_added or self.people_removed or self.people_matched or self.people_unmatched)


class ReasonCount(models.Model):
    """How many people a revision concerned for one reason; goes with the revision.

    ``people`` times ``Reason.effect``, over all reasons, is what the revision did to the number of licenses.
    """

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="reasons", db_index=False)
    reason = models.CharField(max_length=20)
    people = models.PositiveIntegerField()

    class Meta:
        """A reason stands once in a revision."""

        constraints = [models.UniqueConstraint("revision", "reason", name="reason_once")]

    def __str__(self) -> str:
        """Return reason and number."""
        return f"{self.reason}: {self.people}"


class PersonChange(models.Model):
    """A person who stayed, and how many server accounts a revision gave (> 0) or took (< 0); 0: something else changed.

    Goes with the person. Who came with a revision says so in ``ConsumedLicense.since_revision``; of who went nothing
    is kept.
    """

    license = models.ForeignKey(
        ConsumedLicense, models.CASCADE, related_name="changes", db_index=False, db_constraint=False
    )
    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    revision = models.BigIntegerField()
    accounts = models.IntegerField()
    # A cloud.models.Reason; empty where the revision is older than reasons.
    reason = models.CharField(max_length=20, blank=True, default="", db_default="")

    class Meta:
        """One row per person and revision, which the ledger's lock makes sure of."""

        indexes = [
            models.Index(fields=["license", "revision"], name="person_change_person"),
            models.Index(fields=["ledger", "revision", "reason"], name="person_change_reason"),
        ]

    def __str__(self) -> str:
        """Return revision and number."""
        return f"{self.revision}: {self.accounts:+d}"
