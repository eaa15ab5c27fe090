"""Cells and lines of the CSV files that people open in spreadsheets."""

from typing import Final

# Spreadsheets take what begins like this for a formula; some of them in the full-width forms of East Asia, too.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class Line:
    """A file for `csv.writer` that hands every line back instead of keeping it."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def cell(value: object) -> str:
    """Return a value as text: lists joined by a comma, nothing as nothing, and what looks like a formula disarmed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
