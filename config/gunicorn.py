"""How the web process runs: threads, because a page mostly waits for the database."""

import logging
import os
from typing import Any

wsgi_app = "config.wsgi"
worker_class = "config.web_worker.WholeRequestWorker"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 8
# A wrong setting then ends the master with its sentence instead of one worker after the other.
preload_app = True
timeout = 60
graceful_timeout = 10
loglevel = "warning"
accesslog = None
control_socket_disable = True
# X-Forwarded-* are judged by our own middleware, from TRUSTED_PROXIES.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}


def on_starting(_arbiter: Any) -> None:
    """The application is loaded, and no worker runs yet: wrong keys end the master with their sentence.

    What gunicorn itself has to say goes the way of all lines, so that LOG_FORMAT holds for it, too.
    """
    own = logging.getLogger("gunicorn.error")
    own.handlers.clear()
    own.propagate = True
    # Only now do the models exist that this needs.
    from config.keys import refuse_wrong_keys_before_forking

    refuse_wrong_keys_before_forking()
