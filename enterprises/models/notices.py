"""What needs an owner: a row for each cause while it lasts, and a row for each mail about it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from enterprises.models.people import Enterprise, User


class Notice(models.Model):
    """A cause that needs an owner, from the tick that saw it first to the one that does not see it any more.

    ``code`` names the kind of cause and ``key`` what it is about, where there are several. ``stage`` rises where it
    gets worse, and never falls. ``facts`` are what its words need: numbers, days, host names, codes.
    """

    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="notices", db_index=False)
    code = models.CharField(max_length=32)
    key = models.CharField(max_length=64, blank=True, default="")
    stage = models.PositiveSmallIntegerField(default=0)
    facts = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [models.Index(fields=["enterprise", "-opened_at"], name="notice_by_enterprise")]
        constraints = [
            models.UniqueConstraint(
                fields=["enterprise", "code", "key"], condition=Q(resolved_at=None), name="notice_open_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.key} of {self.enterprise_id}"


class NoticeMail(models.Model):
    """A mail to one owner: to be sent from ``not_before`` on, until it is sent or no longer wanted."""

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="mails", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notice_mails")
    is_resolution = models.BooleanField(default=False)
    stage = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("mail about a notice")
        verbose_name_plural = _("mails about notices")
        indexes = [models.Index(fields=["not_before"], condition=Q(sent_at=None), name="notice_mail_due")]
        constraints = [
            models.UniqueConstraint(fields=["notice", "user", "is_resolution", "stage"], name="notice_mail_once")
        ]

    def __str__(self) -> str:
        return f"mail {self.pk} about {self.notice_id}"
