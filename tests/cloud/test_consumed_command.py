"""The command consumed_licenses prints as JSON what the API answers."""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import connection

from cloud import reports
from cloud.management.commands import consumed_licenses
from cloud.models import ConsumedLicense, Installation, Ledger
from cloud.reports import table
from enterprises.models import AuditEvent
from tests.cloud.books import connect, import_members, member, open_books, sync


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("consumed_licenses", *arguments, stdout=out)
    return out.getvalue()


def test_json_is_asked_for_as_of_every_command(ledger: Ledger) -> None:
    found = _run("octo", "--json")

    assert json.loads(found)["total_seats_consumed"] == ledger.consumed
    assert found == _run("octo", "--format", "json")


@pytest.mark.parametrize("format", ["table", "csv", "json"])
def test_list_that_is_taken_away_is_audited_as_on_the_page(ledger: Ledger, format: str) -> None:  # noqa: A002
    _run("octo", "--format", format)

    event = AuditEvent.objects.get(action="report.download")
    assert (event.enterprise, event.actor) == (ledger.enterprise, None)


def test_filters_are_those_of_the_page(ledger: Ledger) -> None:
    import_members(ledger, member(1, "ana", member_roles=["octo:Owner"]), member(2, "bob"), member(3, "cleo"))

    found = json.loads(_run("octo", "--json", "--organization", "octo", "--role", "member", "--sort=-name"))

    assert [user["github_com_login"] for user in found["users"]] == ["cleo", "bob"]
    assert found["total_seats_consumed"] == 3
    event = AuditEvent.objects.get(action="report.download")
    assert event.after == {"report": "people", "filters": ["organization", "role"]}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format", ["csv", "json", "table"])
def test_list_is_of_one_moment_whatever_commits_while_it_is_read(
    format: str,  # noqa: A002
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = open_books("octo")
    server = connect(held, "ghes1.octo.example")
    sync(server, [(number, f"p{number}@octo.example") for number in range(1, 7)])
    for module in (table, consumed_licenses):
        monkeypatch.setattr(module, "PEOPLE_AT_A_TIME", 2)
    read_rows, others = reports.report_rows, iter([_all_leave])

    def rows_and_then_a_sync(ledger: Ledger, licenses: list[ConsumedLicense]) -> list[reports.ReportRow]:
        found = list(read_rows(ledger, licenses))
        for happens in others:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(happens, server).result(timeout=30)
        return found

    monkeypatch.setattr(table, "report_rows", rows_and_then_a_sync)
    monkeypatch.setattr(reports, "report_rows", rows_and_then_a_sync)

    before = _run("octo", "--format", format)

    assert all(f"ghes1.octo.example:{number}" in before for number in range(1, 7))
    assert "ghes1.octo.example:1" not in _run("octo", "--format", format)


def _all_leave(server: Installation) -> None:
    try:
        sync(server, [(9, "nobody@octo.example")])
    finally:
        connection.close()
