"""The console's minute: due runs begin, lost messages are sent again, what is over goes, and owners are told."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from enterprises.models import Deployment
from enterprises.notices import look
from enterprises.tasks import publish_due_mails
from licensesync import notices, retention, services


@shared_task(name="licensesync.tick", ignore_result=True, soft_time_limit=50)
def tick(**_later: Any) -> None:
    """Do what is due now. Two at once, or one that comes late, do no harm."""
    now = timezone.now()
    services.tick(now)
    retention.enforce(now)
    look(Deployment.SERVER, notices.current(now), now)
    publish_due_mails(now)
