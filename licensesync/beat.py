"""The console's minute: due runs begin, lost messages are sent again, uploads that nobody applied go."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from enterprises.uploads import discard_expired_uploads
from licensesync import services


@shared_task(name="licensesync.tick", ignore_result=True, soft_time_limit=50)
def tick(**_later: Any) -> None:
    """Do what is due now. Two at once, or one that comes late, do no harm."""
    now = timezone.now()
    services.tick(now)
    discard_expired_uploads(now)
