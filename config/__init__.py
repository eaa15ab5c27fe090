"""The roof: settings, addresses, the job queue, and everything that starts and watches the processes."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
