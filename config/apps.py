"""Registers the roof as an app: its commands are found, and what only the roof knows is handed down."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # The models that this needs exist only now.
        from config import founding, local_checks
        from enterprises import doctor

        founding.register()
        doctor.register(local_checks.local_checks)
