"""Which texts are domains, in which form they are kept, and the name of the DNS record that proves one."""

from __future__ import annotations

import enum
import functools
import hashlib
import ipaddress
import re
from typing import TYPE_CHECKING, Final

import idna
from django.utils.translation import gettext_lazy as _
from publicsuffixlist import PublicSuffixList

from cloud.suspects.words import is_public
from wire.addresses import AddressInvalid, normalize

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

MAX_TYPED_LENGTH: Final = 300
MAX_NAME_LENGTH: Final = 253
_MAX_LABEL_LENGTH: Final = 63
_PREFIX: Final = "_licensesync-challenge-"
# Host names with underscores are no IDNA names, yet addresses there are compared as they are written.
_LABEL: Final = re.compile(r"\A[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
# What browsers and resolvers take for an IPv4 address ends so: 10.1, 0x7f.1.
_NUMERIC: Final = re.compile(r"\A(?:[0-9]+|0x[0-9a-f]*)\Z")


class Problem(enum.Enum):
    """Why a text is no domain that an account may have."""

    EMPTY = enum.auto()
    TOO_LONG = enum.auto()
    ADDRESS = enum.auto()
    WEB_ADDRESS = enum.auto()
    IP = enum.auto()
    ONE_LABEL = enum.auto()
    SPELLING = enum.auto()


class Warned(enum.Enum):
    """Why a domain is hardly one company's own; an owner may insist."""

    MAIL_PROVIDER = enum.auto()
    PUBLIC_SUFFIX = enum.auto()


PROBLEMS: Final[dict[Problem, _StrPromise]] = {
    Problem.EMPTY: _("Enter a domain, such as octo.example."),
    Problem.TOO_LONG: _("The domain is too long: the name of its DNS record has at most 253 characters."),
    Problem.ADDRESS: _("Enter the domain alone: what stands behind the @ of an address."),
    Problem.WEB_ADDRESS: _("Enter the domain alone, without https://, port or path."),
    Problem.IP: _("An IP address is no domain."),
    Problem.ONE_LABEL: _("A domain has at least two parts, such as octo.example."),
    Problem.SPELLING: _("This is no domain: its parts have letters, digits and hyphens, at most 63 characters each."),
}
WARNINGS: Final[dict[Warned, _StrPromise]] = {
    Warned.MAIL_PROVIDER: _(
        "Everybody may have an address there: it is a provider of e-mail, and no company's own domain."
    ),
    Warned.PUBLIC_SUFFIX: _(
        "Everybody may register a domain below it: it is a public suffix, and no company's own domain."
    ),
}


class DomainInvalid(ValueError):
    """The text is no domain, or none that can be proved."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.name)
        self.problem = problem


def checked_domain(text: str) -> str:
    """Return the form of a domain in which it is compared with the domains of addresses.

    :raises DomainInvalid: and why.
    """
    typed = text.strip()
    if problem := _problem_as_typed(typed):
        raise DomainInvalid(problem)
    try:
        # Exactly as an address is brought into its form: what matches there has to match here.
        address = normalize(f"x@{typed}") or ""
    except AddressInvalid as error:
        raise DomainInvalid(Problem.SPELLING) from error
    domain = address.rpartition("@")[2]
    if problem := _problem(domain):
        raise DomainInvalid(problem)
    return domain


def _problem_as_typed(typed: str) -> Problem | None:
    if not typed:
        return Problem.EMPTY
    if len(typed) > MAX_TYPED_LENGTH:
        return Problem.TOO_LONG
    if _is_ip(typed.strip("[]")):
        return Problem.IP
    if "@" in typed:
        return Problem.ADDRESS
    return Problem.WEB_ADDRESS if any(sign in typed for sign in "/:?#\\") else None


def _problem(domain: str) -> Problem | None:
    labels = domain.split(".")
    if _NUMERIC.match(labels[-1]) or _is_ip(domain):
        return Problem.IP
    if len(f"{_PREFIX}{'x' * (_MAX_LABEL_LENGTH - len(_PREFIX))}.{domain}") > MAX_NAME_LENGTH:
        return Problem.TOO_LONG
    if not all(map(_LABEL.match, labels)):
        return Problem.SPELLING
    return Problem.ONE_LABEL if len(labels) == 1 else None


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def warning_of(domain: str) -> Warned | None:
    """Why a checked domain is hardly one company's own."""
    if is_public(domain):
        return Warned.MAIL_PROVIDER
    return Warned.PUBLIC_SUFFIX if _public_suffixes().is_public(domain) else None


@functools.cache
def _public_suffixes() -> PublicSuffixList:
    """The list of publicsuffix.org as the package holds it; read when somebody first adds a domain."""
    return PublicSuffixList()


def shown(domain: str) -> str:
    """Return a domain as people write it, with what travels in DNS behind it where that differs."""
    try:
        written = idna.decode(domain)
    except idna.IDNAError:
        return domain
    return domain if written == domain else f"{written} ({domain})"


def challenge_name(slug: str, domain: str) -> str:
    """Return the name whose TXT record proves a domain; one label for the account, however long its slug is."""
    room = _MAX_LABEL_LENGTH - len(_PREFIX)
    if len(slug) > room:
        slug = f"{slug[: room - 9]}-{hashlib.sha256(slug.encode()).hexdigest()[:8]}"
    return f"{_PREFIX}{slug}.{domain}"
