"""The job queue: which broker wakes the workers, and what beat says every minute."""

import os
import warnings
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# It fears pickled messages, and ours are JSON; in a container root is the only user there is.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

app = Celery("licensesync")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# What beat says every minute stands in a module of its own.
app.autodiscover_tasks(related_name="beat")


@signals.worker_init.connect(weak=False)
@signals.beat_init.connect(weak=False)
def refuse_wrong_keys(**_later: Any) -> None:
    """A worker that cannot open its secrets would fail every job."""
    # Only now do the models exist that this needs.
    from config.keys import refuse_wrong_keys_before_forking

    refuse_wrong_keys_before_forking()


@signals.setup_logging.connect(weak=False)
def keep_our_logging(**_later: Any) -> None:
    """A receiver here keeps Celery from installing its own handlers over LOGGING."""
