"""Makes the project an app: its commands are found, and what only the project knows is handed down."""

import gc

from django.apps import AppConfig

# Allocations between two looks for garbage: Python's own 700 are few for pages and syncs that make thousands of rows.
GARBAGE_THRESHOLD = 10_000


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # The models that this needs exist only now.
        from config import founding, local_checks
        from enterprises import doctor

        founding.register()
        doctor.register(local_checks.local_checks)
        # What is loaded by now stays to the end: nobody need look through it again.
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD)
