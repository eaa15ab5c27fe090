"""Register the line with Django."""

from django.apps import AppConfig


class ConnectConfig(AppConfig):
    """The line from a server to its cloud account."""

    name = "connect"
    default_auto_field = "django.db.models.BigAutoField"
