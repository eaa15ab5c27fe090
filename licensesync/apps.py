"""Register the server's console with Django."""

from django.apps import AppConfig


class LicensesyncConfig(AppConfig):
    """The console beside a self-hosted server."""

    name = "licensesync"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Enter the server's pages into the shell, and what its owners are told."""
        from licensesync import home, notices

        home.register()
        notices.announce()
