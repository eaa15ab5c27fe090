"""Months in UTC, each named by its first day."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


def month_of(at: datetime) -> date:
    """Return the month of a moment."""
    return at.astimezone(UTC).date().replace(day=1)


def month_before(at: datetime) -> date:
    """Return the month that was over last."""
    return (month_of(at) - timedelta(days=1)).replace(day=1)


def last_day(month: date) -> date:
    """Return the last day of a month."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def read_month(text: str) -> date | None:
    """Return the month of YYYY-MM; None where it is none."""
    found = _MONTH.fullmatch(text)
    return date(int(found[1]), int(found[2]), 1) if found and int(found[1]) else None
