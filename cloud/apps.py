"""Register the cloud's side with Django."""

from django.apps import AppConfig


class CloudConfig(AppConfig):
    """The receiving side of license syncs."""

    name = "cloud"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Enter the cloud's pages into the shell, and what its owners are told."""
        from cloud import home, notices

        home.register()
        notices.announce()
