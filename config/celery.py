"""The job queue: which broker wakes the workers, and what beat says every minute."""

import os
import warnings
from typing import Any

from celery import Celery, bootsteps, signals

from config import alive, heartbeat
from enterprises import log_context

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Django's checks load every page and address, which no task needs. `manage.py check` makes them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "yes")

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


@signals.beat_init.connect(weak=False)
def say_that_beat_starts(**_later: Any) -> None:
    """Its first tick comes a minute later. The check of the keys above has ended a beat that is of no use."""
    heartbeat.give_sign()


@signals.after_task_publish.connect(weak=False)
def say_that_beat_ticks(headers: dict[str, Any] | None = None, **_later: Any) -> None:
    """The broker took what beat sent; other messages say nothing about beat."""
    if headers and headers.get("celery_beat_task"):
        heartbeat.give_sign()


@signals.before_task_publish.connect(weak=False)
def hand_the_request_on(headers: dict[str, Any] | None = None, **_later: Any) -> None:
    """The lines of a task carry the id of the request that sent it, or that sent the task that did."""
    known = log_context.log_context().get("request_id")
    if headers is not None and known is not None:
        headers["request_id"] = known


@signals.task_prerun.connect(weak=False)
def begin_the_lines_of_a_task(task_id: str, task: Any, **_later: Any) -> None:
    known = (task.request.headers or {}).get("request_id")
    log_context.begin(task_id=task_id, **({"request_id": known} if known else {}))


@signals.task_postrun.connect(weak=False)
def end_the_lines_of_a_task(**_later: Any) -> None:
    log_context.end()


class SignOfLife(bootsteps.StartStopStep):
    """Touches the file of the health check for as long as the worker's own loop runs and has a broker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    every_seconds = 10

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.timer: Any = None

    def start(self, consumer: Any) -> None:
        """With the first connection and with each later one."""
        alive.touch()
        self.timer = consumer.timer.call_repeatedly(self.every_seconds, alive.touch)

    def stop(self, _consumer: Any) -> None:
        if self.timer is not None:
            self.timer.cancel()


app.steps["consumer"].add(SignOfLife)


@signals.setup_logging.connect(weak=False)
def keep_our_logging(**_later: Any) -> None:
    """A receiver here keeps Celery from installing its own handlers over LOGGING."""
