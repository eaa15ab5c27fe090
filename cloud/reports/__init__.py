"""GitHub's report of the people who hold a license, in its three forms."""

from cloud.reports.pages import ConsumedLicenses, Page, ServerInstance, consumed_licenses, server_instances
from cloud.reports.rows import ReportRow, ReportUser, report_rows
from cloud.reports.spooling import spooled
from cloud.reports.table import COLUMNS, csv_lines, file_name

__all__ = [
    "COLUMNS", "ConsumedLicenses", "Page", "ReportRow", "ReportUser", "ServerInstance", "consumed_licenses",
    "csv_lines", "file_name", "report_rows", "server_instances", "spooled",
]  # fmt: skip
