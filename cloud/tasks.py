"""The cloud's messages to its workers: the id of a row, nothing else. The row is the truth, a message only wakes."""

import logging
from typing import Any, Final

from celery import Task, shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from cloud import applying
from cloud.domains import rechecking
from cloud.suspects import runs, searching
from enterprises.log_context import lines_carry

logger = logging.getLogger(__name__)

_EXPIRES_SECONDS: Final = 55
"""The tick sends again what nobody picked up, so that messages never pile up behind busy workers."""


@shared_task(name="cloud.apply_intake", ignore_result=True, soft_time_limit=3_600)
def apply_intake(*, intake_id: int, **_later: Any) -> None:
    """Apply a committed snapshot."""
    with lines_carry(intake_id=intake_id):
        applying.apply(intake_id, timezone.now)
        logger.info("A worker is done with a snapshot for now.", extra={"state": applying.state_of(intake_id)})


@shared_task(name="cloud.check_domains", ignore_result=True, soft_time_limit=50)
def check_domains(**_later: Any) -> None:
    """Look up the records of the verified domains that are due."""
    looked = rechecking.recheck(timezone.now)
    logger.info("A worker has looked up records of domains.", extra={"domains": looked})


@shared_task(name="cloud.search_suspects", ignore_result=True, soft_time_limit=3_600)
def search_suspects(*, run_id: int, **_later: Any) -> None:
    """Look for people who are probably one."""
    with lines_carry(run_id=run_id):
        searching.search(run_id, timezone.now)
        logger.info("A worker is done with a search for now.", extra={"state": runs.state_of(run_id)})


def publish(intake_id: int) -> bool:
    """Wake a worker; whether the broker took the message. A broker that is down is logged, never raised."""
    return _publish(apply_intake, intake_id=intake_id)


def publish_check_of_domains() -> bool:
    """As `publish`, for the records of domains: DNS may be slow, and the tick must not be."""
    return _publish(check_domains)


def publish_search(run_id: int) -> bool:
    """Wake a worker for a search; whether the broker took the message."""
    return _publish(search_suspects, run_id=run_id)


def _publish(task: Task[Any, None], **kwargs: int) -> bool:
    try:
        task.apply_async(kwargs=kwargs, expires=_EXPIRES_SECONDS, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        extra = {"task": task.name, "error": type(error).__name__, **kwargs}
        logger.warning("The broker did not take a message; the next tick sends it again.", extra=extra)
        return False
    return True
