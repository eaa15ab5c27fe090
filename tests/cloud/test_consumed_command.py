"""The command consumed_licenses prints as JSON what the API answers."""

import io
import json

from django.core.management import call_command

from cloud.models import Ledger


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("consumed_licenses", *arguments, stdout=out)
    return out.getvalue()


def test_json_is_asked_for_as_of_every_command(ledger: Ledger) -> None:
    found = _run("octo", "--json")

    assert json.loads(found)["total_seats_consumed"] == ledger.consumed
    assert found == _run("octo", "--format", "json")
