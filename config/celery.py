"""The job queue: which broker wakes the workers, and what beat says every minute."""

import os
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("licensesync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect(weak=False)
def keep_our_logging(**_later: Any) -> None:
    """A receiver here keeps Celery from installing its own handlers over LOGGING."""
