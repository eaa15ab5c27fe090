"""The command consumed_licenses prints as JSON what the API answers."""

import io
import json

import pytest
from django.core.management import call_command

from cloud.models import Ledger
from enterprises.models import AuditEvent


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
