"""When a server syncs, and every run: what it froze, what it sent, and how it ended."""

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from connect.models import Connection
from enterprises.models import User


class Schedule(models.Model):
    """When a connection's next weekly run is due, per slot: a whole number of weeks after ``anchor_at``.

    The anchor is the time of connecting or enabling; a jitter that is stable per server is added to it.
    """

    class Slot(models.TextChoices):
        """What runs weekly; each slot has at most one active job per connection."""

        SYNC = "sync", _("License sync")
        RECORD = "record", _("Connection record")
        FILE = "file", _("Usage file")

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="schedules")
    slot = models.CharField(max_length=8, choices=Slot)
    anchor_at = models.DateTimeField()
    next_run_at = models.DateTimeField(db_index=True)

    class Meta:
        """One schedule per slot."""

        constraints = [models.UniqueConstraint("connection", "slot", name="schedule_connection_slot")]

    def __str__(self) -> str:
        """Return the slot and its time."""
        return f"{self.slot} at {self.next_run_at:%Y-%m-%d %H:%M}"


class SyncJobQuerySet(models.QuerySet["SyncJob"]):
    """Reads over jobs."""

    def active(self) -> "SyncJobQuerySet":
        """Jobs that are not over."""
        return self.filter(state__in=SyncJob.ACTIVE)

    def due(self, at: datetime) -> "SyncJobQuerySet":
        """Active jobs that some worker should pick up: nobody holds them and their time has come."""
        free = Q(lease_until__isnull=True) | Q(lease_until__lt=at)
        return self.active().filter(free, Q(not_before__isnull=True) | Q(not_before__lte=at))


class SyncJob(models.Model):
    """One run from a server's seats to the cloud's receipt.

    queued -> preparing -> uploading -> applying -> succeeded | failed | cancelled. A run that will
    be retried goes back to queued with ``not_before``. Only the worker that holds ``claim`` writes.

    A usage file: queued -> preparing -> exported | failed | cancelled, and exported -> succeeded when the cloud's
    receipt for it is imported.
    """

    class State(models.TextChoices):
        """Where a job stands."""

        QUEUED = "queued", _("Queued")
        PREPARING = "preparing", _("Preparing")
        UPLOADING = "uploading", _("Uploading")
        APPLYING = "applying", _("Applying")
        EXPORTED = "exported", _("Exported")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    class Kind(models.TextChoices):
        """What a job does."""

        USAGE = "usage", _("License sync")
        PREVIEW = "preview", _("Preview")
        RECORD = "record", _("Connection record")
        FILE = "file", _("Usage file")

    class Trigger(models.TextChoices):
        """Who or what started a job."""

        SCHEDULE = "schedule", _("Scheduled")
        PERSON = "person", _("Sync now")
        COMMAND = "command", _("Command line")

    class Omits(models.TextChoices):
        """Whom a preview leaves out, to ask what the cloud would count without them."""

        NOBODY = "", _("Nobody")
        DORMANT = "dormant", _("Dormant users that are not on the exclusion list")

    ACTIVE = (State.QUEUED, State.PREPARING, State.UPLOADING, State.APPLYING)
    OVER = (State.EXPORTED, State.SUCCEEDED, State.FAILED, State.CANCELLED)

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="jobs")
    slot = models.CharField(max_length=8, choices=Schedule.Slot)
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    trigger = models.CharField(max_length=16, choices=Trigger)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    allow_shrink = models.BooleanField(default=False)
    omits = models.CharField(max_length=16, choices=Omits, blank=True, default=Omits.NOBODY, db_default=Omits.NOBODY)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    claim = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)

    # Seats are refreshed once before they are frozen; ``source_error`` is why it went on with those it had.
    refresh_began_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    source_error = models.CharField(max_length=64, blank=True, default="", db_default="")

    # The frozen snapshot, and with it every word of the opening: a retry must not differ in one.
    sync_id = models.UUIDField(null=True, blank=True, unique=True)
    hostname = models.CharField(max_length=253, blank=True)
    taken_at = models.DateTimeField(null=True, blank=True)
    accounts = models.PositiveIntegerField(default=0)
    omitted = models.PositiveIntegerField(default=0, db_default=0)
    part_count = models.PositiveIntegerField(default=0)
    parts_sent = models.PositiveIntegerField(default=0)
    bytes_sent = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    # Of all lines unpacked, each with its line feed; 0 where a former version froze them.
    size = models.PositiveBigIntegerField(default=0, db_default=0)
    base_revision = models.BigIntegerField(null=True, blank=True)
    base_snapshot_id = models.UUIDField(null=True, blank=True)
    unanswered = models.JSONField(default=list, blank=True)
    # Of a usage file: the compact JWS whose payload is its header.
    usage_signature = models.TextField(blank=True, default="", db_default="")
    opened_at = models.DateTimeField(null=True, blank=True)
    commit_sent_at = models.DateTimeField(null=True, blank=True)

    # How it ended.
    error_code = models.CharField(max_length=64, blank=True)
    error = models.TextField(blank=True)
    receipt = models.TextField(blank=True)
    # The public key that verified it: it outlives the connection, whose pinned keys go with it.
    receipt_key = models.JSONField(default=dict, db_default={}, blank=True)
    result = models.JSONField(null=True, blank=True)
    # Some accounts behind the result, by user id, and in the same order their primary addresses, which go earlier.
    samples = models.JSONField(null=True, blank=True)
    sample_addresses = models.JSONField(null=True, blank=True)
    # What the cloud held when it asked for a decision (wire.messages.Held); an older cloud does not say.
    cloud_held = models.JSONField(null=True, blank=True)
    # What an owner decided about it (licensesync.deciding.Choice); empty while nobody did.
    decision = models.CharField(max_length=16, blank=True, default="", db_default="")

    objects = SyncJobQuerySet.as_manager()

    class Meta:
        """At most one active job per connection and slot."""

        constraints = [
            models.UniqueConstraint(
                fields=["connection", "slot"],
                condition=Q(state__in=["queued", "preparing", "uploading", "applying"]),
                name="sync_job_one_active_per_slot",
            ),
            models.CheckConstraint(
                name="sync_job_over_is_finished",
                condition=Q(state__in=["queued", "preparing", "uploading", "applying"]) | Q(finished_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["connection", "slot", "-created_at"], name="sync_job_history"),
            models.Index(fields=["connection", "-id"], name="sync_job_newest"),
        ]

    def __str__(self) -> str:
        """Return kind and state."""
        return f"{self.kind} {self.pk}: {self.state}"

    @property
    def label(self) -> str | Promise:
        """What the job does, in words: a preview that leaves somebody out is none of what a sync would change."""
        if self.omits == self.Omits.DORMANT:
            return _("Preview without dormant users")
        return self.get_kind_display()

    @property
    def is_active(self) -> bool:
        """Whether the job is not over."""
        return self.state in self.ACTIVE

    @property
    def is_waiting_to_retry(self) -> bool:
        """Whether the last attempt failed and the next one has a time."""
        return self.state == self.State.QUEUED and bool(self.error_code) and self.lease_until is None

    @property
    def arrived_at(self) -> datetime | None:
        """Of a job that succeeded: when its receipt came, or for a usage file, when the cloud applied it."""
        if self.kind != self.Kind.FILE:
            return self.finished_at
        applied_at = (self.result or {}).get("applied_at")
        return parse_datetime(applied_at) if isinstance(applied_at, str) else None

    @property
    def seats_of(self) -> datetime:
        """The moment whose seats it froze at the earliest: what it refreshed itself is no change after it."""
        return self.refreshed_at or self.started_at or self.created_at


class SyncPart(models.Model):
    """Frozen bytes of a job: every retry sends exactly these."""

    job = models.ForeignKey(SyncJob, models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        """Parts are numbered from 1."""

        constraints = [models.UniqueConstraint("job", "number", name="sync_part_job_number")]

    def __str__(self) -> str:
        """Return the number."""
        return f"part {self.number}"


class SyncJobEvent(models.Model):
    """One line of a job's log, in words that hold no secret and no address."""

    job = models.ForeignKey(SyncJob, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    event = models.CharField(max_length=64)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        """Oldest first."""

        ordering = ["id"]

    def __str__(self) -> str:
        """Return the event."""
        return self.event
