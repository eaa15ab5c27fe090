"""The cloud's minute: what waits for a worker is sent again, what is over goes, and owners are told."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from cloud import notices, retention, statements, tasks
from cloud.claims import waiting
from cloud.domains import rechecking
from cloud.members import roles
from cloud.suspects import runs
from enterprises.models import Deployment
from enterprises.notices import look
from enterprises.tasks import publish_due_mails


@shared_task(name="cloud.tick", ignore_result=True, soft_time_limit=50)
def tick(**_later: Any) -> None:
    """Do what is due now. Two at once, or one that comes late, do no harm."""
    now = timezone.now()
    for intake_id in waiting(now).values_list("pk", flat=True):
        tasks.publish(intake_id)
    if rechecking.due(now).exists():
        tasks.publish_check_of_domains()
    runs.start_due(now)
    for run_id in runs.waiting(now).values_list("pk", flat=True):
        tasks.publish_search(run_id)
    statements.make_due(now)
    retention.enforce(now)
    roles.catch_up()
    look(Deployment.CLOUD, notices.current(now), now)
    publish_due_mails(now)
