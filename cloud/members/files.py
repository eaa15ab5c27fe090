"""Read a file of members in either format, and refuse what stands in it twice."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, Literal

from django.utils.translation import gettext as _

from cloud.members.ndjson import read_ndjson
from cloud.members.reading import MembersInvalid, Readable, numbered_lines
from cloud.members.report import read_report
from cloud.members.rows import MemberRow

# What stands twice is found in memory: about 300 bytes for each of them.
MAX_MEMBERS: Final = 1_000_000
# Of one member, as of an account on a server.
MAX_ADDRESSES: Final = 100

Format = Literal["ndjson", "csv"]

_READERS: Final[dict[Format, Callable[[Iterator[tuple[int, str]]], Iterator[MemberRow]]]] = {
    "ndjson": read_ndjson,
    "csv": read_report,
}


def read_members(stream: Readable, file_format: Format | None = None) -> Iterator[MemberRow]:
    """Yield the members of a file; every number and every login stands once.

    :raises MembersInvalid: with the line of the first thing that is wrong.
    """
    lines = numbered_lines(stream)
    first = next(lines, None)
    if first is None:
        raise MembersInvalid(0, _("The file is empty."))
    kind = file_format or ("ndjson" if first[1].lstrip().startswith("{") else "csv")
    numbers: dict[int, int] = {}
    logins: dict[str, int] = {}
    for members, row in enumerate(_READERS[kind](chain([first], lines)), start=1):
        if members > MAX_MEMBERS:
            raise MembersInvalid(row.line, _("the file lists more than %(most)d members") % {"most": MAX_MEMBERS})
        if len(row.addresses) > MAX_ADDRESSES:
            raise MembersInvalid(row.line, _("a member has more than %(most)d addresses") % {"most": MAX_ADDRESSES})
        if row.number is not None and numbers.setdefault(row.number, row.line) != row.line:
            raise MembersInvalid(row.line, _("the id is already that of line %(line)s") % {"line": numbers[row.number]})
        if logins.setdefault(row.login.casefold(), row.line) != row.line:
            raise MembersInvalid(
                row.line, _("the login is already that of line %(line)s") % {"line": logins[row.login.casefold()]}
            )
        yield row
