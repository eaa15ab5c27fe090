"""The cloud's minute: snapshots that wait for a worker are sent again, what is over goes."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from cloud import retention, tasks
from cloud.applying import waiting


@shared_task(name="cloud.tick", ignore_result=True, soft_time_limit=50)
def tick(**_later: Any) -> None:
    """Do what is due now. Two at once, or one that comes late, do no harm."""
    now = timezone.now()
    for intake_id in waiting(now).values_list("pk", flat=True):
        tasks.publish(intake_id)
    retention.enforce(now)
