"""The project: settings, addresses, the job queue, and everything that starts and watches the processes."""

import gc

# Importing makes hundreds of thousands of objects and hardly any garbage, for which Python would look again and again:
# a fifth of what a start costs. The app's ready() goes back to looking often.
gc.set_threshold(200_000)

from config.celery import app as celery_app  # noqa: E402

__all__ = ["celery_app"]
