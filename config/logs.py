"""How log lines look: one short line for people, or one JSON object for machines, with the extras of each record."""

import json
import logging
import re
from datetime import UTC, datetime

from enterprises.log_context import log_context

# What every record carries anyway; the rest was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Django and gunicorn attach whole objects to a record; they say nothing in a line.
_NOISE = frozenset({"request", "server_time", "color_message", "data"})

# The marks of our secrets (enterprises.secrets) and of JWTs; a one-time code, for one, stands in an address.
_SECRETS = re.compile(r"\blss_[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_HIDDEN = "[secret]"
# What ends a line, or moves the cursor of a terminal: others' words must not look like a record of ours.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def redacted(line: str) -> str:
    return _SECRETS.sub(_HIDDEN, line)


def one_line(text: str) -> str:
    return _CONTROLS.sub(lambda control: control[0].encode("unicode_escape").decode(), text)


def extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD and name not in _NOISE}


class ContextFilter(logging.Filter):
    """Gives each record the request, the task and the job of the work it comes from; its own extras come first."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in log_context().items():
            vars(record).setdefault(name, value)
        return True


class RefusalFilter(logging.Filter):
    """What a stranger's request is refused for is one line; the way to the refusal is no news, and fills disks."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.exc_info = record.exc_text = None
        return True


class TextFormatter(logging.Formatter):
    """``WARNING connect.client: The cloud did not answer. job_id=7``."""

    def format(self, record: logging.LogRecord) -> str:
        pairs = "".join(f" {name}={value}" for name, value in extras(record).items())
        line = one_line(f"{record.levelname} {record.name}: {record.getMessage()}{pairs}")
        if record.exc_info:
            trace = self.formatException(record.exc_info).split("\n")
            line = "\n  ".join([line, *map(one_line, trace)])
        return redacted(line)


class JsonFormatter(logging.Formatter):
    """One object a line: at, level, logger, message, then the extras."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **extras(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return redacted(json.dumps(fields, default=str))


def logging_settings(log_format: str) -> dict[str, object]:
    """Quiet by default: warnings of everybody, and what our own apps and the process supervisor say on purpose."""
    formatter = JsonFormatter if log_format == "json" else TextFormatter
    own = ("config", "enterprises", "connect", "licensesync", "cloud", "wire")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{formatter.__module__}.{formatter.__qualname__}"}},
        "filters": {
            "context": {"()": f"{ContextFilter.__module__}.{ContextFilter.__qualname__}"},
            "refusal": {"()": f"{RefusalFilter.__module__}.{RefusalFilter.__qualname__}"},
        },
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["context", "refusal"]}
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            **{name: {"level": "INFO"} for name in own},
            # Its handlers would mail to ADMINS and print twice.
            "django": {"handlers": [], "level": "WARNING", "propagate": True},
            # A 404 or 403 is an answer, not an incident.
            "django.request": {"level": "ERROR"},
            # A request that waits for a thread for a moment is no news.
            "waitress.queue": {"level": "ERROR"},
            # Whoever asked says what went wrong; a connect that is repeated is no news.
            "urllib3": {"level": "ERROR"},
        },
    }
