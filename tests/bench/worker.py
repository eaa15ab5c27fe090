"""Apply one intake as a worker would, and print how long each stage took and how much memory it held."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# The first words that a statement of a stage is known by, in the order in which they are looked for.
_STAGES = {
    "INSERT INTO outdated_account": "compare with what is held",
    "DELETE FROM cloud_serveraccount": "delete what is outdated",
    "INSERT INTO cloud_serveraccount": "key and insert accounts",
    "INSERT INTO touched_person": "collect the people concerned",
    "ANALYZE touched_person": "collect the people concerned",
    "INSERT INTO counted_person": "count the people concerned",
    "ANALYZE counted_person": "count the people concerned",
    "SELECT count(*) FILTER (WHERE license_id": "say what changes for people",
    "SELECT user_id, primary_address, rule": "say what changes for people",
    "DELETE FROM cloud_personchange": "say what changes for people",
    "INSERT INTO cloud_personchange": "say what changes for people",
    "ANALYZE cloud_personchange": "say what changes for people",
    "SELECT reason, count(*)": "say what changes for people",
    "INSERT INTO cloud_reasoncount": "say what changes for people",
    "INSERT INTO moved_account": "collect the people concerned",
    "ANALYZE moved_account": "count the people concerned",
    "WITH step AS": "count the people concerned",
    "DELETE FROM cloud_consumedlicense": "delete people",
    "UPDATE cloud_consumedlicense": "update people",
    "INSERT INTO cloud_consumedlicense": "insert people",
    "UPDATE cloud_ledger SET (listed": "sum up",
}


class Stopwatch:
    """Sums the time of statements by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self.began = self.ended = 0.0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement, as Django's ``execute_wrapper`` asks."""
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            words = " ".join(sql.split())
            stage = next((name for begin, name in _STAGES.items() if words.startswith(begin)), "")
            if stage:
                self.began = self.began or start
                self.ended = time.perf_counter()
                self.stages[stage] = self.stages.get(stage, 0.0) + self.ended - start


def main(intake_id: int) -> None:
    """Apply and report."""
    django.setup()
    from django.db import connection
    from django.utils import timezone

    from cloud import intake

    connection.ensure_connection()
    watch = Stopwatch()
    start = time.perf_counter()
    with connection.execute_wrapper(watch):
        intake.apply(intake_id, timezone.now)
    end = time.perf_counter()
    stages = {
        "decode, verify and stage": watch.began - start,
        **watch.stages,
        "everything between": watch.ended - watch.began - sum(watch.stages.values()),
        "receipt and commit": end - watch.ended,
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = peak / (1024**2 if sys.platform == "darwin" else 1024)
    sys.stdout.write(json.dumps({"stages": stages, "memory": memory}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
