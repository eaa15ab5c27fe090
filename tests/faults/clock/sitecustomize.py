"""Moves the clock of the process that finds this folder on its PYTHONPATH; Python imports it before anything else.

``LICENSESYNC_TEST_CLOCK`` names a file with seconds, read at every look at the clock. What moves is what the product
calls the time: ``django.utils.timezone.now``. The monotonic clock, by which gunicorn tells a live worker, does not.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

if name := os.environ.get("LICENSESYNC_TEST_CLOCK"):
    from django.utils import timezone

    offset = Path(name)
    right = timezone.now

    def moved() -> datetime:
        """Return the time as this host believes it to be; without the file it believes the truth."""
        return right() + timedelta(seconds=float(offset.read_text()) if offset.exists() else 0)

    timezone.now = moved
