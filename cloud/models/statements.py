"""Signed statements of cloud accounts: numbers, servers and receipts, nothing about people."""

from django.db import models

from cloud.models.books import Ledger
from enterprises.models import User


class Statement(models.Model):
    """A statement as it was signed, over a month, or as of a moment, where ``month`` is empty.

    ``body`` is the JSON text inside ``jws``. Rows are written once and never changed: what was stated, was stated.
    """

    ledger = models.ForeignKey(Ledger, models.CASCADE, related_name="statements", db_index=False)
    # The first day of the month.
    month = models.DateField(null=True, blank=True)
    made_at = models.DateTimeField(db_index=True)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    revision = models.BigIntegerField()
    body = models.TextField()
    jws = models.TextField()
    kid = models.CharField(max_length=32)

    class Meta:
        """A month has one statement; the index is the order of the list."""

        constraints = [models.UniqueConstraint("ledger", "month", name="statement_ledger_month")]
        indexes = [models.Index(fields=["ledger", "-made_at", "-id"], name="statement_newest")]

    def __str__(self) -> str:
        """Return the month, or the moment."""
        return f"{self.month:%Y-%m}" if self.month else self.made_at.isoformat(timespec="seconds")
