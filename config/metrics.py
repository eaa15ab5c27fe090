"""``/metrics`` in Prometheus' format, for who has the token: the console, its broker and beat, and the sides it serves.

Everything is read when it is asked for, from the database and the broker: whichever web process answers, the numbers
are those of all of them.
"""

import logging
from collections.abc import Iterator

import redis
from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cloud.metrics import cloud_metrics
from config.heartbeat import beat_state
from config.version import project_version
from enterprises.audit import actor_ip
from enterprises.metrics import gauge
from enterprises.throttling import seconds_to_wait
from licensesync.metrics import server_metrics

logger = logging.getLogger(__name__)

MAX_FAILURES = 30
"""Within a minute, by address; the token is never kept out."""


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """404 unless METRICS_TOKEN is set, 401 without it, 429 to whoever guesses."""
    if not settings.METRICS_TOKEN:
        raise Http404
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        return _refused(request)
    registry = CollectorRegistry()
    registry.register(Console())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _refused(request: HttpRequest) -> HttpResponse:
    wait = seconds_to_wait(request, "metrics", most=MAX_FAILURES)
    if wait:
        return HttpResponse(status=429, headers={"Retry-After": str(wait)})
    logger.warning("Metrics were asked for without their token.", extra={"ip": actor_ip(request)})
    return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})


class Console(Collector):
    """A broker or a database that is down is a measurement, and not an error."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        labels = ("version", "role")
        yield gauge("build_info", "Which version runs.", labels, [((project_version(), settings.ROLE), 1)])
        depth = queue_depth()
        yield gauge("broker_up", "Whether the broker answers.", (), [((), depth is not None)])
        if depth is not None:
            yield gauge("queue_depth", "Messages that no worker has taken yet.", (), [((), depth)])
        is_beat_up = depth is not None and not beat_state().is_red
        yield gauge("beat_up", "Whether beat gave a sign of life lately.", (), [((), is_beat_up)])
        families, is_up = of_database()
        yield gauge("database_up", "Whether the database answers.", (), [((), is_up)])
        yield from families


def queue_depth() -> int | None:
    """How many messages wait; None where the broker does not answer."""
    client = redis.Redis.from_url(settings.BROKER_CACHE_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        return int(client.llen(settings.CELERY_TASK_DEFAULT_QUEUE))
    except redis.RedisError:
        return None
    finally:
        client.close()


def of_database() -> tuple[list[GaugeMetricFamily], bool]:
    """What the sides have to say, all of it or nothing, and whether they could."""
    now = timezone.now()
    families: list[GaugeMetricFamily] = []
    try:
        if settings.SERVES_SERVER:
            families += server_metrics(now)
        if settings.SERVES_CLOUD:
            families += cloud_metrics(now)
    except DatabaseError as error:
        logger.warning("The database could not be measured.", extra={"error": type(error).__name__})
        return [], False
    return families, True
