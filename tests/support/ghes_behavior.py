"""What a stand-in of GHES can do, and the lists of accounts that it makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

REPORT: Final = "/stafftools/reports/all_users.csv"
LICENSE: Final = "/api/v3/enterprise/settings/license"
USER: Final = "site-admin"
TOKEN: Final = "made-up-token-of-the-stand-in-1"
HEADER: Final = (
    "created_at,id,login,email,role,suspended?,last_logged_ip,repos,ssh_keys,org_memberships,dormant?,last_active,"
    "raw_login,2fa_enabled?"
)
TROUBLES: Final = (
    "",
    "login_page",
    "login_redirect",
    "elsewhere",
    "same_host_redirect",
    "not_allowed",
    "rate_limited",
    "server_error",
    "never_ready",
    "cut",
    "cut_last_line",
    "cut_chunked",
    "drip",
    "silent",
    "wrong_columns",
    "bad_line",
    "empty",
    "huge",
    "no_license_api",
    "bad_license",
)


def line(user_id: int, *, email: str | None = None, suspended: bool = False, dormant: bool = False) -> str:
    """One account as the report lists it."""
    address = f"user{user_id}@octo.example" if email is None else email
    words = [str(value).lower() for value in (suspended, dormant)]
    return (
        f"2024-03-01 09:00:00 UTC,{user_id},login{user_id},{address},user,{words[0]},192.0.2.1,3,1,2,{words[1]},"
        f"2026-10-01 10:00:00 UTC,login{user_id},true"
    )


def report(*lines: str) -> bytes:
    """A whole report."""
    return "".join(f"{text}\n" for text in (HEADER, *lines)).encode()


@dataclass(frozen=True)
class Behavior:
    """What the stand-in does. ``unready`` is how many calls a new report answers with 202, ``retry_after`` in seconds.

    ``made_ago`` is how many days ago GHES says it made the list; None sends no such header. ``location`` is where
    "elsewhere" redirects to.
    """

    trouble: str = ""
    unready: int = 1
    retry_after: int | None = None
    accounts: int = 3
    suspended: int = 0
    seats: int | str = 100
    kind: str = "standard"
    expire_at: str | None = "2027/11/30 23:59:59 -0600"
    made_ago: float | None = None
    chunked: bool = False
    user: str = USER
    token: str = TOKEN
    location: str = "https://elsewhere.example/report.csv"
    report: bytes = field(default=b"", repr=False)

    def list_of_accounts(self) -> bytes:
        """The report as it would be made now."""
        if self.report:
            return self.report
        active = self.accounts - self.suspended
        return report(*(line(number + 1, suspended=number >= active) for number in range(self.accounts)))
