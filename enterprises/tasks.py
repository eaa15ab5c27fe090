"""What both sides ask of the workers: to send the mails that are due. The rows are the truth, a message only wakes."""

import logging
from datetime import datetime
from typing import Any, Final

from celery import shared_task
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from enterprises import notice_mails

logger = logging.getLogger(__name__)

_EXPIRES_SECONDS: Final = 55
"""The tick asks again for what nobody sent."""


@shared_task(name="enterprises.deliver_notices", ignore_result=True, soft_time_limit=50, time_limit=60)
def deliver_notices(**_later: Any) -> None:
    """Send some of what is due, apart from every sync. Within its minute: a mail server that drips holds one worker."""
    sent = notice_mails.deliver()
    if sent:
        logger.info("Mails were sent.", extra={"mails": sent})


def publish_due_mails(at: datetime) -> None:
    """Wake a worker where a mail is due. A broker that is down is logged, never raised."""
    if not notice_mails.due(at).exists():
        return
    try:
        deliver_notices.apply_async(expires=_EXPIRES_SECONDS, retry=False)
    except (OperationalError, RedisError, OSError) as error:
        extra = {"error": type(error).__name__}
        logger.warning("The broker did not take a message; the next tick sends it again.", extra=extra)
