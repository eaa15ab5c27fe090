"""Register the cloud's side with Django."""

from django.apps import AppConfig


class CloudConfig(AppConfig):
    """The receiving side of license syncs."""

    name = "cloud"
    default_auto_field = "django.db.models.BigAutoField"
