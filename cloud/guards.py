"""When a change takes so many people away that somebody has to say that it is meant."""

from typing import Final

_FEW: Final = 20
_ONE_IN: Final = 5


def is_alarming_shrink(*, removed: int, held: int) -> bool:
    """Whether more than 20 % and more than 20 entries would go, or all that there are."""
    if removed == 0:
        return False
    return removed == held or (removed > _FEW and removed * _ONE_IN > held)
