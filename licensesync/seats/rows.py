"""One account of a seats file, and whether it holds a license."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from wire.addresses import AddressInvalid, normalize
from wire.lines import MAX_USER_ID, TooManyAddresses, make_line

MAX_LOGIN = 255
BUILT_IN_LOGINS = frozenset({"ghost", "scim-admin"})


class SeatsInvalid(ValueError):
    """The file cannot be imported. ``line`` counts from 1; 0 means the file as a whole.

    The reason never quotes an address, since it may end up in a log.
    """

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(_("Line %(line)d: %(reason)s") % {"line": line, "reason": reason} if line else reason)


class RowInvalid(ValueError):
    """The reason why one account cannot be imported; the reader adds the line number."""


class SeatRow(NamedTuple):
    """One account, in the order of the staging table's columns."""

    number: int
    user_id: int
    login: str
    type: str
    role: str
    is_suspended: bool
    is_dormant: bool
    is_license_consuming: bool
    created_on_server_at: datetime | None
    last_active_at: datetime | None
    primary_email: str
    line: str


def holds_license(*, login: str, kind: str, is_suspended: bool) -> bool:
    """Whether an account consumes a license; dormant ones do. Source: docs/domain.md, "Who consumes a license"."""
    return not is_suspended and kind != "Bot" and login.lower() not in BUILT_IN_LOGINS


def make_row(
    number: int,
    *,
    user_id: int,
    login: str,
    kind: str = "User",
    role: str = "",
    is_suspended: bool = False,
    is_dormant: bool = False,
    created_at: datetime | None = None,
    last_active_at: datetime | None = None,
    primary: str | None = None,
    others: Iterable[str] = (),
) -> SeatRow:
    """Check one account and bring it to the form in which it is stored.

    :raises RowInvalid: with the reason
    """
    if not 1 <= user_id <= MAX_USER_ID:
        raise RowInvalid(_("the id must be a whole number from 1 to 9007199254740991"))
    _check_text(login, "login", MAX_LOGIN)
    _check_text(kind, "type", 16)
    _check_text(role, "role", 32)
    if not login.strip():
        raise RowInvalid(_("the login is empty"))
    primary_email, line = _addresses(user_id, primary, others)
    return SeatRow(
        number,
        user_id,
        login,
        kind,
        role,
        is_suspended,
        is_dormant,
        holds_license(login=login, kind=kind, is_suspended=is_suspended),
        created_at,
        last_active_at,
        primary_email,
        line,
    )


def _addresses(user_id: int, primary: str | None, others: Iterable[str]) -> tuple[str, str]:
    """Return the primary address and the canonical line."""
    try:
        line = make_line(user_id, primary, others).decode()
        return (normalize(primary) if primary else None) or "", line
    except AddressInvalid as error:
        raise RowInvalid(_("an email address has control characters or more than 320 characters")) from error
    except TooManyAddresses as error:
        raise RowInvalid(_("an account has at most 100 email addresses")) from error


def _check_text(text: str, name: str, longest: int) -> None:
    if len(text) > longest:
        raise RowInvalid(_("the %(name)s has more than %(longest)d characters") % {"name": name, "longest": longest})
    if not text.isprintable():
        raise RowInvalid(_("the %(name)s has control characters") % {"name": name})
