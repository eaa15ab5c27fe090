"""The report as a CSV file in GitHub's columns, written while it is read: memory does not grow with the people."""

import csv
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from cloud.models import Ledger
from cloud.people import EVERYBODY, PeopleFilter, people
from cloud.reports.rows import ReportRow, report_rows
from cloud.reports.spooling import spooled
from enterprises.csv_cells import Line, cell
from enterprises.models import Enterprise

COLUMNS: Final = (
    "github_com_login",
    "github_com_name",
    "enterprise_server_user_ids",
    "github_com_user",
    "enterprise_server_user",
    "visual_studio_subscription_user",
    "license_type",
    "github_com_profile",
    "github_com_member_roles",
    "github_com_enterprise_roles",
    "github_com_verified_domain_emails",
    "github_com_saml_name_id",
    "github_com_orgs_with_pending_invites",
    "github_com_two_factor_auth",
    "github_com_two_factor_auth_required_by_date",
    "github_com_advanced_security_license_user",
    "enterprise_server_primary_emails",
    "visual_studio_license_status",
    "visual_studio_subscription_email",
    "total_user_accounts",
)
PEOPLE_AT_A_TIME: Final = 1000

_ONLY_HERE: Final = ("github_com_two_factor_auth_required_by_date", "github_com_advanced_security_license_user")
_ONLY_HERE_AT: Final = COLUMNS.index(_ONLY_HERE[0])
_of_user = attrgetter(*(column for column in COLUMNS if column not in _ONLY_HERE))


def file_name(enterprise: Enterprise, at: datetime) -> str:
    """The name under which the report is saved."""
    return f"consumed_licenses-{enterprise.slug}-{at.astimezone(UTC):%Y-%m-%dT%H%M%SZ}.csv"


def csv_lines(ledger: Ledger, wanted: PeopleFilter = EVERYBODY) -> Iterator[str]:
    """The header, then one line per person that is meant, in the order that is meant, as of one moment."""
    return spooled(_lines(ledger, wanted))


def _lines(ledger: Ledger, wanted: PeopleFilter) -> Iterator[str]:
    """A thousand people per round of queries."""
    pen = csv.writer(Line())
    yield pen.writerow(COLUMNS)
    found = people(ledger, wanted).iterator(chunk_size=PEOPLE_AT_A_TIME)
    while licenses := list(itertools.islice(found, PEOPLE_AT_A_TIME)):
        yield "".join(pen.writerow(_cells(row)) for row in report_rows(ledger, licenses))


def _cells(row: ReportRow) -> list[str]:
    cells = [cell(value) for value in _of_user(row.user)]
    cells[_ONLY_HERE_AT:_ONLY_HERE_AT] = [cell(row.two_factor_required_by), cell(row.advanced_security)]
    return cells
