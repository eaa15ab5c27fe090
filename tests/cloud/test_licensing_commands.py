"""The commands licensing and license_history: the page's numbers for scripts."""

import csv
import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cloud.consumption import totals
from cloud.models import Ledger
from enterprises.models import AuditEvent
from tests.cloud.books import connect, import_members, member, sync


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def _told(*arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_run(*arguments, "--json"))
    return told


@pytest.fixture
def filled(ledger: Ledger) -> Ledger:
    import_members(
        ledger,
        member(1, "mona", emails=[{"email": "mona@octo.example", "verified": True}]),
        member(2, "vera", visual_studio={"email": "vera@octo.example", "status": "Matched"}),
    )
    sync(connect(ledger, "ghes1.octo.example"), [(1, "mona@octo.example"), (2, None)])
    return ledger


def test_licensing_says_the_number_and_its_parts(filled: Ledger) -> None:
    lines = _run("licensing", "octo").splitlines()
    told = _told("licensing", "octo")

    assert lines == [
        "2 licenses consumed of 100 purchased, 98 available.",
        "Counted apart 3, with license sync 2, saved 1.",
        "By deployment: cloud 0, server 1, both 1.",
        "3 people are listed, 1 of them with a Visual Studio subscription.",
    ]
    assert told["by_deployment"] == {
        "cloud": {"enterprise": 0, "visual_studio": 1},
        "server": {"enterprise": 1, "visual_studio": 0},
        "both": {"enterprise": 1, "visual_studio": 0},
    }
    assert (told["consumed"], told["available"], told["saved"], told["ambiguous"]) == (2, 98, 1, 0)


def test_purchased_licenses_are_written_down_and_audited(filled: Ledger) -> None:
    told = _told("licensing", "octo", "--purchased", "1")

    assert (told["purchased"], told["available"], totals(filled).purchased) == (1, -1, 1)
    assert AuditEvent.objects.get(action="license.update").actor_name == "system"
    with pytest.raises(CommandError, match="--purchased: "):
        _run("licensing", "octo", "--purchased", "many")


def test_history_is_the_page_s_by_day(filled: Ledger) -> None:
    told = _told("license_history", "octo", "--range", "all")
    rows = list(csv.DictReader(io.StringIO(_run("license_history", "octo", "--range", "all", "--csv"))))

    assert [{name: str(value) for name, value in day.items()} for day in reversed(told["days"])] == rows
    assert (rows[0]["date"], rows[0]["consumed"], told["used_up_on"]) == ("2026-03-02", "2", None)
    assert "date 2026-03-02, consumed 2, peak 2, counted_apart 3" in _run("license_history", "octo", "--range", "all")


def test_history_of_a_server_is_its_own(filled: Ledger) -> None:
    (held,) = filled.installations.all()

    told = _told("license_history", "octo", "--server", str(held.server_id))

    assert (told["hostname"], len(told["days"])) == ("ghes1.octo.example", 91)
    assert (told["days"][0]["accounts"], told["days"][0]["added_licenses"]) == (2, 1)
    with pytest.raises(CommandError, match="octo has no server with the id 'ghes1'"):
        _run("license_history", "octo", "--server", "ghes1")


def test_history_of_nothing_says_so(ledger: Ledger) -> None:
    ledger.usage.all().delete()

    assert _run("license_history", "octo") == "Nothing was counted.\n"


@pytest.mark.parametrize("command", ["licensing", "license_history"])
def test_command_names_an_unknown_account(command: str, db: None) -> None:
    with pytest.raises(CommandError, match="no cloud account 'octo'"):
        _run(command, "octo")
