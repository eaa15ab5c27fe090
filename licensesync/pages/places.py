"""The pages where next steps are taken: their names as links say them, and their addresses."""

from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_NAMES: Final[dict[str, Promise]] = {
    "connection": _("GitHub Connect"),
    "license": _("License"),
    "seats": _("Seats"),
    "doctor": _("Doctor"),
    "decision": _("Decide"),
    "license_edit": _("Update license"),
    "usage_file": _("Usage files"),
}
_OWNERS_ONLY: Final = frozenset({"doctor", "license_edit"})
_ANCHORS: Final = {"license": "#license-sync"}


@dataclass(frozen=True)
class PlaceLink:
    """A link to the page of a next step."""

    text: str
    url: str


def link_to(place: str, slug: str, *, is_owner: bool) -> PlaceLink | None:
    """Return the link to a place; None for a person whom that page would turn away."""
    if place in _OWNERS_ONLY and not is_owner:
        return None
    return PlaceLink(str(_NAMES[place]), reverse(f"licensesync:{place}", args=[slug]) + _ANCHORS.get(place, ""))
