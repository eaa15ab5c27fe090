"""The console's messages to its workers: an id, nothing else. The row is the truth, a message only wakes."""

import logging
from typing import Any, Final

from celery import Task, shared_task
from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from enterprises.log_context import lines_carry
from licensesync import jobs
from licensesync.sources.asking import run_requested
from licensesync.syncing import run as sync

logger = logging.getLogger(__name__)

_EXPIRES_SECONDS: Final = 55
"""The tick sends again what nobody picked up, so that messages never pile up behind busy workers."""


@shared_task(name="licensesync.run_sync", ignore_result=True, soft_time_limit=3_600)
def run_sync(*, job_id: int, **_later: Any) -> None:
    """Run a job that is due; one that waits for the cloud goes to the end of the queue."""
    with lines_carry(job_id=job_id):
        if sync.run(job_id):
            publish(job_id)
        else:
            logger.info("A worker is done with a sync job for now.", extra={"state": jobs.state_of(job_id)})


@shared_task(name="licensesync.refresh_seats", ignore_result=True, soft_time_limit=3_600)
def refresh_seats(*, source_id: int, **_later: Any) -> None:
    """Refresh the seats of a server, if that is still asked for; how it ended stands beside the source."""
    with lines_carry(source_id=source_id):
        run_requested(source_id)


def publish_refresh(source_id: int, *, broker: Connection | None = None) -> bool:
    """Wake a worker for a refresh that is asked for, as `publish` does for a job."""
    return _publish(refresh_seats, {"source_id": source_id}, broker)


def publish(job_id: int, *, broker: Connection | None = None) -> bool:
    """Wake a worker; whether the broker took the message. A broker that is down is logged, never raised.

    ``broker`` replaces the configured one, for tests.
    """
    return _publish(run_sync, {"job_id": job_id}, broker)


def _publish(task: Task[..., None], what: dict[str, Any], broker: Connection | None) -> bool:
    options: dict[str, Any] = {"expires": _EXPIRES_SECONDS, "retry": False, "connection": broker}
    try:
        task.apply_async(kwargs=what, **options)
    except (OperationalError, RedisError, OSError) as error:
        extra = {**what, "error": type(error).__name__}
        logger.warning("The broker did not take a message; the next tick sends it again.", extra=extra)
        return False
    return True
