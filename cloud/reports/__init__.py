"""What people and programs read of the books: the people, the report in its three forms, and the reasons."""

from cloud.reports.explaining import AccountReason, Explanation, explain
from cloud.reports.finding import Person, people, view_counts, with_accounts
from cloud.reports.pages import ConsumedLicenses, Page, ServerInstance, consumed_licenses, server_instances
from cloud.reports.rows import ReportRow, ReportUser, report_rows
from cloud.reports.table import COLUMNS, csv_lines, file_name

__all__ = [
    "COLUMNS", "AccountReason", "ConsumedLicenses", "Explanation", "Page", "Person", "ReportRow", "ReportUser",
    "ServerInstance", "consumed_licenses", "csv_lines", "explain", "file_name", "people", "report_rows",
    "server_instances", "view_counts", "with_accounts",
]  # fmt: skip
