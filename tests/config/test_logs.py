"""What a log line looks like."""

import json
import logging
import sys

from config.logs import JsonFormatter, TextFormatter


def record(**extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "connect.client", "levelname": "WARNING", "msg": "No %s.", "args": ("answer",)}
    )
    vars(made).update(extra)
    return made


def test_text_line_ends_with_the_extras() -> None:
    assert TextFormatter().format(record(job_id=7)) == "WARNING connect.client: No answer. job_id=7"


def test_json_line_holds_the_extras_as_fields() -> None:
    line = json.loads(JsonFormatter().format(record(job_id=7)))

    assert (line["level"], line["logger"], line["message"], line["job_id"]) == (
        "warning",
        "connect.client",
        "No answer.",
        7,
    )


def test_whole_requests_are_not_printed() -> None:
    assert "request" not in TextFormatter().format(record(request=object(), status_code=500))


def test_exceptions_are_kept_in_both_forms() -> None:
    try:
        raise ValueError("bad line")
    except ValueError:
        failed = record(exc_info=sys.exc_info())

    assert "ValueError: bad line" in TextFormatter().format(failed)
    assert "ValueError: bad line" in json.loads(JsonFormatter().format(failed))["exception"]
