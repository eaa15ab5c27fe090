"""Read a list of members as a stream, and say in which line something is wrong."""

from collections.abc import Iterator
from typing import Final, Protocol

from django.utils.translation import gettext as _

from cloud.members.rows import MAX_LOGIN_LENGTH
from wire.addresses import AddressInvalid

MAX_LINE_BYTES: Final = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Readable(Protocol):
    """What a list of members is read from."""

    def readline(self, limit: int = -1, /) -> bytes:
        """Return the next line with its end, or as much of it as the limit allows; nothing at the end."""
        ...


class MembersInvalid(ValueError):
    """A list of members cannot be imported; ``line`` is 0 where no single line is at fault."""

    def __init__(self, line: int, reason: str) -> None:
        """Keep both for those who show them."""
        self.line = line
        self.reason = reason
        super().__init__(_("Line %(line)s: %(reason)s") % {"line": line, "reason": reason} if line else reason)


def numbered_lines(stream: Readable) -> Iterator[tuple[int, str]]:
    """Yield every line with its number, decoded, its end kept.

    :raises MembersInvalid: a line that is too long, is not UTF-8, or holds a NUL.
    """
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            raise MembersInvalid(number, _("the line is longer than 1 MiB"))
        if b"\x00" in raw:
            raise MembersInvalid(number, _("the line holds a NUL character"))
        try:
            yield number, raw.removeprefix(_BOM if number == 1 else b"").decode()
        except UnicodeDecodeError as error:
            raise MembersInvalid(number, _("the line is not UTF-8")) from error


def checked_login(line: int, login: str) -> str:
    """Return a login that may be stored.

    :raises MembersInvalid: empty, too long, or with white space or control characters.
    """
    if not login:
        raise MembersInvalid(line, _("the login is missing"))
    if len(login) > MAX_LOGIN_LENGTH:
        raise MembersInvalid(line, _("the login is too long"))
    if not login.isprintable() or any(character.isspace() for character in login):
        raise MembersInvalid(line, _("the login holds white space or control characters"))
    return login


def address_problem(line: int, error: AddressInvalid) -> MembersInvalid:
    """Return the error of a line whose address can be none."""
    return MembersInvalid(line, _("an address cannot be read: %(reason)s") % {"reason": error})
