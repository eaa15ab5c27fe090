"""Read members from GitHub's own consumed-licenses report (CSV).

It has no ids, no addresses outside verified domains and, of identities, only the NameID. What it
lists as linked server accounts is kept as links (docs/domain.md, "Members come in").
"""

import csv
import re
from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext as _

from cloud.members.reading import MembersInvalid, address_problem, checked_login
from cloud.members.rows import MAX_NUMBER, Details, MemberRow, Subscription, ranked
from wire.addresses import AddressInvalid

LOGIN: Final = "github_com_login"
# A name of DNS is no longer, and what is longer fits into no index.
MAX_HOSTNAME_LENGTH: Final = 253
_TRUE = {"true", "1", "yes"}
_FALSE = {"", "false", "0", "no"}
# An apostrophe that protects a spreadsheet from a cell which begins like a formula.
_GUARDED = ("'=", "'+", "'-", "'@", "'\t")

# As many as the largest id has: Python refuses to read thousands of them.
_DIGITS = re.compile(r"[0-9]{1,16}")

Cells = dict[str, str]


def read_report(lines: Iterator[tuple[int, str]]) -> Iterator[MemberRow]:
    """Yield the member of every row that has a login; the others are servers' own people.

    :raises MembersInvalid: no such column, or the first row that cannot be read.
    """
    records = _Records(lines)
    columns = [name.strip() for name in next(records, (1, []))[1]]
    if LOGIN not in columns:
        raise MembersInvalid(1, _("the column %(name)s is missing") % {"name": LOGIN})
    if len(set(columns)) < len(columns):
        raise MembersInvalid(1, _("a column stands twice"))
    for line, cells in records:
        if cells and len(cells) != len(columns):
            raise MembersInvalid(
                line,
                _("%(found)s cells where the header has %(expected)s")
                % {"found": len(cells), "expected": len(columns)},
            )
        row = dict(zip(columns, map(_bare, cells), strict=False))
        if row.get(LOGIN):
            yield _row(line, row)


class _Records:
    """The records of a CSV file, each with the line on which it begins."""

    def __init__(self, lines: Iterator[tuple[int, str]]) -> None:
        self._reader = csv.reader((text for _number, text in lines), strict=True)

    def __iter__(self) -> "_Records":
        return self

    def __next__(self) -> tuple[int, list[str]]:
        line = self._reader.line_num + 1
        try:
            return line, next(self._reader)
        except csv.Error as error:
            raise MembersInvalid(line, _("not CSV: %(reason)s") % {"reason": error}) from error


def _bare(cell: str) -> str:
    trimmed = cell.strip()
    return trimmed[1:] if trimmed.startswith(_GUARDED) else trimmed


def _row(line: int, row: Cells) -> MemberRow:
    verified = _listed(row.get("github_com_verified_domain_emails", ""))
    name_id = row.get("github_com_saml_name_id", "")
    try:
        addresses = ranked(identities=[name_id], verified=verified, others=())
    except AddressInvalid as error:
        raise address_problem(line, error) from error
    return MemberRow(
        line=line,
        number=None,
        login=checked_login(line, row[LOGIN]),
        name=row.get("github_com_name", ""),
        details=_details(line, row, verified, name_id),
        addresses=addresses,
        links=tuple(sorted({_link(line, text) for text in _listed(row.get("enterprise_server_user_ids", ""))})),
    )


def _details(line: int, row: Cells, verified: tuple[str, ...], name_id: str) -> Details:
    status = row.get("visual_studio_license_status", "")
    email = row.get("visual_studio_subscription_email", "")
    two_factor = row.get("github_com_two_factor_auth", "")
    return Details(
        enterprise_roles=_listed(row.get("github_com_enterprise_roles", "")),
        member_roles=_listed(row.get("github_com_member_roles", "")),
        pending_invites=_listed(row.get("github_com_orgs_with_pending_invites", "")),
        two_factor=_flag(line, two_factor) if two_factor else None,
        saml_name_id=name_id or None,
        visual_studio=Subscription(email, status) if status or email else None,
        profile=row.get("github_com_profile", ""),
        verified_domain_emails=verified,
        two_factor_required_by=row.get("github_com_two_factor_auth_required_by_date", ""),
        advanced_security=row.get("github_com_advanced_security_license_user", ""),
        listed_by_report=_flag(line, row.get("github_com_user", "true")),
    )


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(",") if part.strip())


def _flag(line: int, cell: str) -> bool:
    value = cell.casefold()
    if value not in _TRUE | _FALSE:
        raise MembersInvalid(line, _("neither true nor false: %(value)s") % {"value": cell[:40]})
    return value in _TRUE


def _link(line: int, text: str) -> tuple[str, int]:
    """Return hostname and user id of ``host:id`` or ``id:host:role``."""
    hostname, _colon, user_id = text.rpartition(":")
    if not _is_user_id(user_id):
        user_id, _colon, rest = text.partition(":")
        hostname = rest.rpartition(":")[0] or rest
    if not 1 <= len(hostname) <= MAX_HOSTNAME_LENGTH or not _is_user_id(user_id):
        raise MembersInvalid(line, _("not a server's user id: %(value)s") % {"value": text[:80]})
    return hostname.lower(), int(user_id)


def _is_user_id(text: str) -> bool:
    return bool(_DIGITS.fullmatch(text)) and 1 <= int(text) <= MAX_NUMBER
