"""What the descriptions of our own resources share."""

from typing import Final

import msgspec

TAG: Final = "License sync"


def about(text: str) -> msgspec.Meta:
    """What the document says of a field."""
    return msgspec.Meta(description=text)
