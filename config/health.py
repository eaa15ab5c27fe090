"""Two answers for whoever watches the process: it lives, and it can work."""

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.heartbeat import Beat, beat_state
from config.keys import keys_state


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked, so that a broken database does not restart healthy processes."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """Database, broker, beat, migrations and keys; 503 with the first words of what is wrong where one fails."""
    checks = {"database": database_state(), "broker": broker_state()}
    checks["beat"] = beat_state() if checks["broker"] == "ok" else "unknown"
    checks["migrations"] = migrations_state() if checks["database"] == "ok" else "unknown"
    checks["keys"] = keys_state() if checks["migrations"] == "ok" else "unknown"
    is_ready = all(state in {"ok", Beat.AWAITED} for state in checks.values())
    return JsonResponse({"status": "ok" if is_ready else "unavailable", **checks}, status=200 if is_ready else 503)


def database_state() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "unreachable"
    return "ok"


def broker_state() -> str:
    client = redis.Redis.from_url(settings.BROKER_CACHE_URL, socket_timeout=2, socket_connect_timeout=2)
    try:
        client.ping()
    except redis.RedisError:
        return "unreachable"
    finally:
        client.close()
    return "ok"


def migrations_state() -> str:
    executor = MigrationExecutor(connection)
    return "pending" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"
