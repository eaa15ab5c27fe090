"""No secret of ours reaches a log line, wherever in a record it stands."""

import logging

import pytest

from config.logs import JsonFormatter, TextFormatter
from enterprises.secrets import new_secret


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "django.request", "levelname": "ERROR", "msg": message})
    vars(made).update(extra)
    return made


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_secrets_are_hidden(formatter: logging.Formatter) -> None:
    secret = new_secret()
    jwt = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI0MiJ9.c2lnbmF0dXJl"

    line = formatter.format(record(f"Failed: /app-manifests/{secret}/conversions", header=f"Bearer {jwt}", job_id=7))

    assert secret not in line
    assert jwt not in line
    assert "/app-manifests/[secret]/conversions" in line
    assert "7" in line
