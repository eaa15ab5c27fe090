"""What the cloud may hold of this server without our knowing it: named in every opening and every usage file."""

from typing import Final

from django.db.models import Q

from connect.models import Connection
from licensesync.models import SyncJob

_MOST: Final = 100
_OVER_WITHOUT_A_RECEIPT: Final = (SyncJob.State.FAILED, SyncJob.State.CANCELLED)


def unanswered(connection: Connection) -> list[str]:
    """Ids that may have been applied since the last receipt: opened and ended without one, or in a usage file.

    Files and syncs do not wait for each other. So a sync that is open right now is none of the past for a file, and
    what ended after the last success was asked for may have come after it.
    """
    sent = SyncJob.objects.filter(connection=connection, sync_id__isnull=False)
    last = sent.filter(kind__in=(SyncJob.Kind.USAGE, SyncJob.Kind.FILE), state=SyncJob.State.SUCCEEDED)
    success = last.order_by("-pk").values("pk", "created_at").first()
    opened = Q(kind=SyncJob.Kind.USAGE, opened_at__isnull=False)
    lost = opened & (Q(state__in=_OVER_WITHOUT_A_RECEIPT) | Q(state__in=SyncJob.ACTIVE))
    found = sent.filter(lost | Q(kind=SyncJob.Kind.FILE, state=SyncJob.State.EXPORTED))
    if success is not None:
        is_later = Q(pk__gt=success["pk"]) | Q(finished_at__gt=success["created_at"]) | Q(finished_at=None)
        found = found.filter(is_later)
    return [str(sync_id) for sync_id in found.order_by("-pk").values_list("sync_id", flat=True)[:_MOST]]
