"""What the server's console keeps goes when its time is over: docs/privacy.md says when, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import Max, Q

from connect.models import Connection
from connect.transitions import forget_codes
from enterprises import retention
from enterprises.retention import LARGE_BODIES, SMALL_PIECE, delete_piece
from licensesync.models import SyncJob, SyncPart

if TYPE_CHECKING:
    from datetime import datetime

KEEP_JOBS: Final = timedelta(days=400)
"""A year, and the weeks in which somebody looks back at it."""
KEEP_SENT_AFTER_THE_END: Final = timedelta(days=30)
"""What was sent last stays readable for so long after Disable."""

KEEP_EXPORTED: Final = timedelta(days=30)
"""For so long a usage file can be downloaded again."""


def enforce(at: datetime) -> None:
    """Delete what is over: files that were never applied every minute, the rest every hour."""
    retention.run(retention.EVERY_MINUTE, at)
    retention.run_hourly("licensesync", (_sent_parts, _exported_parts, _jobs, _codes, *retention.EVERY_HOUR), at)


def _sent_parts(at: datetime) -> bool:
    """The frozen bytes of a connection that is no more, and the addresses of its samples.

    At once of one that was never disabled: what a copy has was sent by the original.
    """
    is_over = Q(disconnected_at__lte=at - KEEP_SENT_AFTER_THE_END) | Q(disconnected_at=None)
    ended = Connection.objects.exclude(state=Connection.State.CONNECTED).filter(is_over)
    SyncJob.objects.filter(connection__in=ended, sample_addresses__isnull=False).update(sample_addresses=None)
    parts = SyncPart.objects.filter(job__connection__in=ended, job__state__in=SyncJob.OVER)
    return delete_piece(parts.exclude(job__kind=SyncJob.Kind.FILE), LARGE_BODIES)


def _exported_parts(at: datetime) -> bool:
    """The frozen bytes of the newest usage file; those of older ones went when it was made."""
    files = SyncPart.objects.filter(job__kind=SyncJob.Kind.FILE, job__state__in=SyncJob.OVER)
    return delete_piece(files.filter(job__finished_at__lte=at - KEEP_EXPORTED), LARGE_BODIES)


def _jobs(at: datetime) -> bool:
    """With their events and receipts; the last success of each kind stays, however old, and so does what is active."""
    succeeded = SyncJob.objects.filter(state=SyncJob.State.SUCCEEDED).exclude(kind=SyncJob.Kind.PREVIEW)
    last = succeeded.order_by().values("connection", "kind").annotate(last=Max("pk")).values("last")
    over = SyncJob.objects.filter(state__in=SyncJob.OVER, finished_at__lte=at - KEEP_JOBS)
    return delete_piece(over.exclude(pk__in=last), SMALL_PIECE)


def _codes(at: datetime) -> bool:
    forget_codes(at)
    return False
