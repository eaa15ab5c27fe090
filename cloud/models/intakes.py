"""Snapshots on their way in."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from cloud.models.installations import Channel, Installation
from enterprises.models import StagedUpload, User


class Intake(models.Model):
    """One snapshot on its way in.

    receiving -> applying (claimed, leased) -> applied | refused | expired. Its bytes are deleted
    when it ends.

    A usage file begins as a preview that is applying: a worker reads ``upload`` into parts, once, and computes it.
    Its parts stay until it expires, or until somebody makes it a usage intake, which is applied like any other.
    """

    class State(models.TextChoices):
        """Where an intake stands."""

        RECEIVING = "receiving", _("Receiving")
        APPLYING = "applying", _("Applying")
        APPLIED = "applied", _("Applied")
        REFUSED = "refused", _("Refused")
        EXPIRED = "expired", _("Expired")

    class Kind(models.TextChoices):
        """What happens to the snapshot once it is whole."""

        USAGE = "usage", _("License sync")
        PREVIEW = "preview", _("Preview")

    OPEN: Final = (State.RECEIVING, State.APPLYING)

    installation = models.ForeignKey(Installation, models.CASCADE, related_name="intakes")
    snapshot_id = models.UUIDField()
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.RECEIVING)
    opened_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    opening = models.JSONField()
    opening_digest = models.CharField(max_length=64)
    opened_at_revision = models.BigIntegerField()
    claim = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    receipt = models.TextField(blank=True)
    result = models.JSONField(null=True, blank=True)
    # Some of the server's own accounts behind the result; they go a day after the end.
    samples = models.JSONField(null=True, blank=True)
    channel = models.CharField(max_length=8, choices=Channel, default=Channel.WIRE, db_default=Channel.WIRE)
    # Of a usage file: its bytes until they were read, its name, who brought it, its header, the accounts read so far.
    upload = models.ForeignKey(StagedUpload, models.SET_NULL, null=True, blank=True, related_name="+")
    file_name = models.CharField(max_length=255, blank=True, default="", db_default="")
    uploaded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    header = models.JSONField(null=True, blank=True)
    accounts_read = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        """A snapshot comes in once per server."""

        constraints = [models.UniqueConstraint("installation", "snapshot_id", name="intake_snapshot_once")]

    def __str__(self) -> str:
        """Return kind and state."""
        return f"{self.kind} {self.snapshot_id}: {self.state}"


class IntakePart(models.Model):
    """One received part, as received."""

    intake = models.ForeignKey(Intake, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    first_user_id = models.BigIntegerField()
    last_user_id = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    body = models.BinaryField()

    class Meta:
        """A part stands once."""

        constraints = [models.UniqueConstraint("intake", "number", name="intake_part_once")]

    def __str__(self) -> str:
        """Return the number."""
        return f"part {self.number}"
