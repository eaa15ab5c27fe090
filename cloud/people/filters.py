"""Which people are meant: one parsed filter, the same for page, file, command and API.

``PeopleFilter.from_query`` reads the parameters of an address, ``PeopleFilter.query`` writes them again; docs/people.md
lists them. What a filter finds is decided by ``cloud.people.finding`` alone.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LENGTH: Final = 320
NO_DOMAIN: Final = "none"
"""As ``domain``: members without an address on any verified or approved domain."""


class Deployment(enum.StrEnum):
    """Where a license comes from; each person has one of them."""

    CLOUD = "cloud"
    SERVER = "server"
    BOTH = "both"


class TwoFactor(enum.StrEnum):
    """Whether a member has two-factor authentication, as far as the import said; nobody else has any of them."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


class LicenseType(enum.StrEnum):
    """The kind of license; each person has one."""

    ENTERPRISE = "enterprise"
    VISUAL_STUDIO = "visual_studio"


class Sort(enum.StrEnum):
    """The order of a list; the label and then the key of a person decide where it leaves a tie."""

    NAME = "name"
    NAME_LAST = "-name"
    FEWEST_ACCOUNTS = "accounts"
    MOST_ACCOUNTS = "-accounts"
    OLDEST = "since"
    NEWEST = "-since"


class Answer(enum.StrEnum):
    """Yes or no."""

    YES = "true"
    NO = "false"


CHOICES: Final[Mapping[str, type[enum.StrEnum]]] = {
    "deployment": Deployment,
    "two_factor": TwoFactor,
    "license_type": LicenseType,
    "ambiguous": Answer,
    "sort": Sort,
}
"""The values that a parameter can have; the others are texts."""
_TEXTS: Final = ("q", "server", "organization", "role", "domain")
PARAMETERS: Final = ("q", "deployment", "server", "organization", "role", "two_factor", "domain", "license_type",
                     "ambiguous")  # fmt: skip
"""What narrows, in the order of the page; ``sort`` orders, and narrows nothing."""


class PeopleFilterInvalid(ValueError):
    """Some parameters have values that they cannot have; ``values`` are those, by parameter."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Keep them for those who show them."""
        self.values = dict(values)
        super().__init__(" ".join(self.sentences))

    @property
    def sentences(self) -> list[str]:
        """One for each parameter, with what it can be."""
        return [
            _("%(name)s cannot be %(value)s; it is one of: %(choices)s.")
            % {"name": name, "value": value, "choices": ", ".join(CHOICES[name])}
            for name, value in self.values.items()
        ]


@dataclass(frozen=True, kw_only=True)
class PeopleFilter:
    """Who is meant: everybody for whom all of it holds. Empty and None narrow nothing.

    ``q`` is looked for in logins, names, visible addresses and ``host:id``. ``server`` is a hostname. A ``role`` is
    held in the ``organization`` where both are given, except those of the enterprise (``enterprise_owner``), which are
    held in none. ``domain`` is a verified or approved domain, or ``NO_DOMAIN``.
    """

    q: str = ""
    deployment: Deployment | None = None
    server: str = ""
    organization: str = ""
    role: str = ""
    two_factor: TwoFactor | None = None
    domain: str = ""
    license_type: LicenseType | None = None
    ambiguous: Answer | None = None
    sort: Sort = Sort.NAME

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """Read the parameters of an address; others are passed over, and empty ones say nothing.

        :raises PeopleFilterInvalid: a value that is none of those which its parameter can have.
        """
        chosen = {name: value for name in CHOICES if (value := _choice(query, name))}
        wrong = {name: value for name, value in chosen.items() if value not in list(CHOICES[name])}
        if wrong:
            raise PeopleFilterInvalid(wrong)
        return cls.lenient(query)

    @classmethod
    def lenient(cls, query: Mapping[str, str]) -> Self:
        """The same without what is invalid, for a page that says so beside it."""
        choices = {name: kind(value) for name, kind in CHOICES.items() if (value := _choice(query, name)) in list(kind)}
        texts = {name: text for name in _TEXTS if (text := _text(query, name))}
        return cls(**choices, **texts)  # type: ignore[arg-type]  # Each choice was made by the kind of its field.

    @property
    def query(self) -> dict[str, str]:
        """The parameters that make this filter, those that narrow first, in the order of ``PARAMETERS``."""
        said = {name: str(value) for name in PARAMETERS if (value := getattr(self, name))}
        return said if self.sort is Sort.NAME else {**said, "sort": self.sort.value}

    @property
    def narrowing(self) -> dict[str, str]:
        """The parameters that leave somebody out."""
        return {name: value for name, value in self.query.items() if name != "sort"}

    def without(self, *names: str) -> Self:
        """The same, with some parameters taken away."""
        defaults = type(self)()
        return replace(self, **{name: getattr(defaults, name) for name in names})


EVERYBODY: Final = PeopleFilter()


def _choice(query: Mapping[str, str], name: str) -> str:
    return (query.get(name) or "").strip()[:MAX_LENGTH]


def _text(query: Mapping[str, str], name: str) -> str:
    """What can be stored and compared: without control characters, and not longer than an address."""
    text = "".join(each for each in query.get(name) or "" if each.isprintable()).strip()[:MAX_LENGTH].strip()
    return text if name == "q" else text.lower()
