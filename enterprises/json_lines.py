"""Says for people why a line of an imported JSON file is not as expected: which field, and what belongs there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.utils.functional import Promise

# msgspec says in English and in its own terms what was wrong; a wording that it changes falls back to "cannot be read".
_PLACE = re.compile(r"\A(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_STEP = re.compile(r"\.(?P<name>\w+)|\[(?P<index>\d+)\]")
_EXPECTED = re.compile(r"Expected `(?P<wanted>[a-z |]+)`, got `(?P<found>[a-z |]+)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>\w+)`")
_TOO_LONG = re.compile(r"Expected `str` of length <= (?P<most>\d+)")

_KINDS: dict[str, Promise] = {
    "object": gettext_lazy("an object {…}"),
    "array": gettext_lazy("a list […]"),
    "str": gettext_lazy("text in quotation marks"),
    "int": gettext_lazy("a whole number"),
    "float": gettext_lazy("a number with decimals"),
    "bool": gettext_lazy("true or false"),
    "datetime": gettext_lazy("a date and time such as 2026-03-02T09:30:00Z"),
}


def why_not(error: Exception) -> str:
    """The sentence without its final dot. It names the field and never a value, which may be an address."""
    if not isinstance(error, msgspec.ValidationError):
        return _("not a whole JSON object")
    place = _PLACE.fullmatch(str(error))
    what, path = (place["what"], place["path"] or "") if place else ("", "")
    field = _field(path)
    for pattern, say in _SAYINGS:
        if found := pattern.fullmatch(what):
            reason = say(found)
            return _("%(field)s: %(reason)s") % {"field": field, "reason": reason} if field else reason
    return _("%(field)s cannot be read") % {"field": field or _("the line")}


def _field(path: str) -> str:
    """``.emails[0].email`` as people say it: “emails”, entry 1, “email”."""
    steps = []
    for step in _STEP.finditer(path):
        if step["name"]:
            steps.append(_("“%(name)s”") % {"name": step["name"]})
        else:
            steps.append(_("entry %(number)d") % {"number": int(step["index"]) + 1})
    return ", ".join(steps)


def _kind(names: str) -> str:
    return _(" or ").join(str(_KINDS.get(name, name)) for name in names.split(" | "))


def _expected(found: re.Match[str]) -> str:
    return _("%(wanted)s belongs here, not %(found)s") % {
        "wanted": _kind(found["wanted"]),
        "found": _kind(found["found"]),
    }


def _missing(found: re.Match[str]) -> str:
    return _("the field “%(name)s” is missing") % {"name": found["name"]}


def _too_long(found: re.Match[str]) -> str:
    return _("more than %(most)s characters") % {"most": found["most"]}


def _unknown(_found: re.Match[str]) -> str:
    return _("not one of the values that this field can have")


def _no_moment(_found: re.Match[str]) -> str:
    return _("not a date and time such as 2026-03-02T09:30:00Z")


def _out_of_range(_found: re.Match[str]) -> str:
    return _("the number is too small or too large")


_SAYINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_EXPECTED, _expected),
    (_MISSING, _missing),
    (_TOO_LONG, _too_long),
    (re.compile(r"Invalid enum value .*", re.DOTALL), _unknown),
    (re.compile(r"Invalid RFC3339 encoded datetime"), _no_moment),
    (re.compile(r"Expected `int` [<>]= -?\d+|(?:Number|Integer value) out of range"), _out_of_range),
)
