"""What our own resources share: the heading under which they are described, and reading a number from an address."""

import re
from typing import Final

import msgspec
from django.http import Http404

TAG: Final = "License sync"

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def about(text: str) -> msgspec.Meta:
    """What the document says of a field."""
    return msgspec.Meta(description=text)


def number_in(part: str) -> int:
    """The number of something, as a part of an address says it.

    :raises Http404: nothing has such a number
    """
    if not _NUMBER.fullmatch(part):
        raise Http404
    return int(part)
