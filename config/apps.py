"""Registers the roof as an app: its commands are found, and each side's way of founding an enterprise is known."""

from django.apps import AppConfig


class HouseConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # The models that this needs exist only now.
        from config import founding

        founding.register()
