"""What is remembered: the audit log, and files that wait between their preview and their apply."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from enterprises.models.people import Enterprise, User


class AuditEvent(models.Model):
    """What somebody did; without an enterprise when it concerns a person only.

    Written once and never changed or deleted, which the database itself refuses (`append_only`): whoever is named may
    be gone, and their number then leads nowhere.
    """

    enterprise = models.ForeignKey(
        Enterprise,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="audit_events",
    )
    actor = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="audit_events"
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
        indexes = [
            models.Index(fields=["enterprise", "-at", "-id"], name="audit_event_by_enterprise"),
            models.Index(fields=["enterprise", "actor_name", "-at", "-id"], name="audit_event_by_actor"),
            models.Index(fields=["enterprise", "action", "-at", "-id"], name="audit_event_by_action"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(action=""), name="audit_event_has_action"),
            models.CheckConstraint(condition=~Q(actor_name=""), name="audit_event_has_actor_name"),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_name}"


class StagedUpload(models.Model):
    """A file that waits in the database between its preview and its apply, or until it expires.

    It lies in the database because web processes on several machines share nothing else.
    """

    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="staged_uploads")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=16)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    # What reading it has shown, with examples by name: it goes with the file.
    review = models.JSONField(null=True, blank=True)
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
