"""Signed statements of a cloud account, for renewal and true-up talks (docs/statements.md)."""

from cloud.statements.making import MOST_AN_HOUR, MonthNotStated, TooManyStatements, make_due, make_month, make_now
from cloud.statements.reading import (
    VERIFIER,
    file_name,
    fingerprints,
    json_file,
    of_month,
    read_headline,
    read_statement,
    signing_fingerprint,
    statements,
)

__all__ = [
    "MOST_AN_HOUR", "VERIFIER", "MonthNotStated", "TooManyStatements", "file_name", "fingerprints", "json_file",
    "make_due", "make_month", "make_now", "of_month", "read_headline",
    "read_statement", "signing_fingerprint", "statements",
]  # fmt: skip
