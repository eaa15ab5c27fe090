"""What waitress is spared: heads that it reads in quadratic time, and requests whose end a proxy may see elsewhere.

One thread moves the bytes of all clients, so that a head which takes long to read stops everybody.
"""

import re
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import Error

# What the first line must be before waitress' own expression, which tries every way to split an address, sees it.
_FIRST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Z-]+ [^\x00-\x20\x7f]+ HTTP/1\.[01]")
# Lines that go on with the next one, control characters, and blanks that no value needs.
_UNSOUND = re.compile(rb"\n[ \t]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|[ \t]{16}")
_TRANSFER_ENCODING = re.compile(rb"^transfer-encoding[ \t]*:", re.IGNORECASE | re.MULTILINE)


class LengthRequired(Error):  # type: ignore[misc]  # waitress publishes no types
    """The body has no stated length."""

    code = 411
    reason = "Length Required"


class RequestParser(HTTPRequestParser):  # type: ignore[misc]  # waitress publishes no types
    """One request; refused are the heads above, and every Transfer-Encoding: who has a body states its length."""

    error: Any

    def parse_header(self, header_plus: bytes) -> None:
        """:raises ParsingError: the head is unsound"""
        first_line, _line_break, fields = header_plus.partition(b"\r\n")
        if not _FIRST_LINE.fullmatch(first_line):
            raise ParsingError("The first line is invalid.")
        if _UNSOUND.search(header_plus):
            raise ParsingError("The head is invalid.")
        if _TRANSFER_ENCODING.search(fields):
            self.error = LengthRequired("Content-Length is required.")
            return
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            # An address or a length that is none.
            raise ParsingError("The head is invalid.") from error
