"""A long-lived process beside an installation: it runs commands and looks at rows, so that no test waits for a process
to start.

``python -m tests.faults.helper`` with an installation's environment reads one call a line, ``{"call": name, "words":
[...], "options": {...}}``, and answers each with one line, ``{"answer": ...}`` or ``{"error": text}``.
"""

import io
import json
import os
import sys
from collections.abc import Callable
from typing import Any, cast
from unittest import mock

import django
from django.apps import apps
from django.core.management import call_command
from django.db import connections, models

CALLS: dict[str, Callable[..., Any]] = {}


def callable_from_outside(function: Callable[..., Any]) -> Callable[..., Any]:
    CALLS[function.__name__] = function
    return function


@callable_from_outside
def manage(*commands: list[str]) -> list[str]:
    """Run management commands; return what each of them printed."""
    printed = []
    for name, *words in commands:
        output = io.StringIO()
        call_command(name, *words, stdout=output)
        printed.append(output.getvalue())
    return printed


@callable_from_outside
def send(task: str, **kwargs: Any) -> bool:
    """Send a task's message; whether the broker took it."""
    from kombu.exceptions import OperationalError
    from redis.exceptions import RedisError

    from config import celery_app

    try:
        celery_app.send_task(task, kwargs=kwargs, expires=55, retry=False, ignore_result=True)
    except (OperationalError, RedisError, OSError):
        return False
    return True


@callable_from_outside
def workers() -> int:
    """How many workers answer."""
    from config import celery_app

    return len(celery_app.control.ping(timeout=0.5) or ())


@callable_from_outside
def request(slug: str, *, tells: bool = True, **options: Any) -> int:
    """Ask for a sync of a server and return the job's id; unless it ``tells``, the message to the workers is lost."""
    from django.utils import timezone

    from connect.models import Connection
    from licensesync import services, tasks

    connection = Connection.objects.get(server__enterprise__slug=slug)
    with mock.patch.object(services, "publish", tasks.publish if tells else _nothing):
        job = services.request_sync(connection=connection, by=None, at=timezone.now(), **options)
    return int(job.pk)


@callable_from_outside
def sync_here(slug: str) -> dict[str, Any]:
    """Sync a server in this process; return how its job ended."""
    from licensesync.models import SyncJob
    from licensesync.syncing import run as sync

    job_id = request(slug, tells=False)
    sync.run(job_id)
    return dict(SyncJob.objects.values("state", "error_code").get(pk=job_id))


@callable_from_outside
def remove(hostname: str) -> None:
    """Remove a server from the cloud account, as an owner does it on the page."""
    from django.utils import timezone

    from cloud.models import Installation
    from cloud.services import remove_installation

    remove_installation(installation=Installation.objects.get(hostname=hostname), by=None, at=timezone.now())


@callable_from_outside
def rows(model: str, *fields: str, **filters: Any) -> list[dict[str, Any]]:
    """Return rows of a model, such as "licensesync.SyncJob", oldest first."""
    return list(_model(model).filter(**filters).order_by("pk").values(*fields))


@callable_from_outside
def update(model: str, changes: dict[str, Any], **filters: Any) -> int:
    return int(_model(model).filter(**filters).update(**changes))


@callable_from_outside
def delete(model: str, **filters: Any) -> int:
    return int(_model(model).filter(**filters).delete()[0])


@callable_from_outside
def postpone() -> None:
    """Plan what is to be planned, and nothing of it for this century."""
    from licensesync.models import Schedule
    from licensesync.syncing import schedule

    schedule.put_right()
    Schedule.objects.update(next_run_at="2100-01-01T00:00Z")


@callable_from_outside
def sign_in(username: str) -> dict[str, Any]:
    """Return the cookies of somebody who is signed in, and what their forms carry."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from enterprises.models import User

    user = User.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    csrf = "c" * 32
    return {
        "cookies": {settings.SESSION_COOKIE_NAME: session.session_key, settings.CSRF_COOKIE_NAME: csrf},
        "csrf": csrf,
    }


@callable_from_outside
def explain(code: str) -> list[str]:
    """Return what the console says of a job's end, and the next step."""
    from licensesync import failures

    explanation = failures.explain(code)
    return [str(explanation.sentence), str(explanation.next_step)]


@callable_from_outside
def now() -> str:
    from django.utils import timezone

    return timezone.now().isoformat()


def _model(name: str) -> models.QuerySet[Any]:
    model: type[Any] = apps.get_model(name)
    return cast("models.QuerySet[Any]", model._default_manager.all())


def _nothing(_job_id: int) -> bool:
    return True


def serve() -> None:
    """Answer until the input ends; only answers go to standard output, whatever else prints."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    for line in sys.stdin:
        asked = json.loads(line)
        # The database may have been restarted since the last call.
        for connection in connections.all(initialized_only=True):
            connection.close_if_unusable_or_obsolete()
        try:
            answer = {"answer": CALLS[asked["call"]](*asked["words"], **asked["options"])}
        except Exception as error:  # noqa: BLE001 - whoever asked decides what it means
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(f"{json.dumps(answer, default=str)}\n")
        answers.flush()


if __name__ == "__main__":
    serve()
