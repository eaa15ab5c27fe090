"""Delete what nobody may use any more: bytes of snapshots, codes and tokens."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_noop as _

from cloud.models import AppToken, ConnectCode, Installation, Intake, IntakePart

KEEP_ENDED: Final = timedelta(days=30)
"""So long a server may still ask how a snapshot ended; the latest one of each is kept for good."""


def expire(at: datetime) -> None:
    """Expire snapshots that were never committed, and delete codes and tokens whose time is over."""
    with transaction.atomic():
        late = Intake.objects.filter(state=Intake.State.RECEIVING, expires_at__lt=at)
        held = list(late.select_for_update(no_key=True).values_list("pk", flat=True))
        IntakePart.objects.filter(intake__in=held).delete()
        # A preview says nothing of the sync that may be under way beside it.
        syncs = Intake.objects.filter(pk__in=held, kind=Intake.Kind.USAGE).values("installation")
        Installation.objects.filter(pk__in=syncs, last_status=Installation.SyncStatus.PENDING).update(
            last_status=Installation.SyncStatus.FAILURE, last_error=_("The server never finished sending.")
        )
        Intake.objects.filter(pk__in=held).update(state=Intake.State.EXPIRED, finished_at=at)
    AppToken.objects.filter(expires_at__lt=at).delete()
    ConnectCode.objects.filter(expires_at__lt=at).delete()
    ended = Intake.objects.filter(finished_at__lt=at - KEEP_ENDED)
    ended.exclude(snapshot_id__in=Installation.objects.exclude(snapshot_id=None).values("snapshot_id")).delete()
