"""The command server_instances: what the licensing page says of servers, and the way to take one off."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from cloud.models import Installation, Ledger
from enterprises.models import AuditEvent
from tests.cloud.books import connect, sync
from tests.factories import NOW


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("server_instances", *arguments, stdout=out)
    return out.getvalue().strip()


def test_command_says_where_each_server_stands(ledger: Ledger) -> None:
    empty = _run("octo")
    held = connect(ledger, "ghes1.octo.example")
    sync(held, [(1, "ana@octo.example"), (2, "ben@octo.example")])
    Installation.objects.update(last_sync_at=NOW, taken_at=NOW - timedelta(days=9), version="3.19.1")

    line, told = _run("octo"), json.loads(_run("octo", "--json"))["servers"]

    assert empty == "No server is connected to octo."
    assert line.startswith(f"ghes1.octo.example ({held.server_id}): ")
    assert line.endswith("2 accounts, 2 licenses that only it adds.")
    assert "Version 3.19.1." in line
    assert f"Next report by: {(NOW + timedelta(days=7)).isoformat()}." in line
    assert (told[0]["status"], told[0]["standing"]) == ("GitHub Connect server usage synced", "stale")
    assert [(each["hostname"], each["accounts"], each["seats_taken_at"]) for each in told] == [
        ("ghes1.octo.example", 2, (NOW - timedelta(days=9)).isoformat())
    ]


def test_command_removes_a_server_with_its_people(ledger: Ledger) -> None:
    held = connect(ledger, "ghes1.octo.example")
    sync(held, [(1, "ana@octo.example")])

    with pytest.raises(CommandError, match="octo has no server with the id"):
        _run("octo", "--remove", "ghes1.octo.example")
    would = json.loads(_run("octo", "--remove", str(held.server_id), "--dry-run", "--json"))
    assert Installation.objects.exists()
    told = json.loads(_run("octo", "--remove", str(held.server_id), "--json"))

    assert told["effect"] == would["effect"]
    ledger.refresh_from_db()
    assert (told["freed"], told["removed"]["hostname"], ledger.consumed) == (1, "ghes1.octo.example", 0)
    assert not Installation.objects.exists()
    assert AuditEvent.objects.get(action="enterprise_installation.destroy").actor_name == "system"


def test_command_says_what_removing_would_do(ledger: Ledger) -> None:
    held = connect(ledger, "ghes1.octo.example")
    sync(held, [(1, "ana@octo.example"), (2, "ben@octo.example"), (3, "ben@octo.example")])
    sync(connect(ledger, "ghes2.octo.example"), [(1, "ana@octo.example")])

    line = _run("octo", "--remove", str(held.server_id), "--dry-run")

    assert line == (
        "Removing ghes1.octo.example from octo would delete 3 accounts and free 1 licenses: "
        "1 people go, 1 stay through other accounts."
    )
    with pytest.raises(CommandError, match="--dry-run goes with --remove"):
        _run("octo", "--dry-run")


def test_command_names_an_unknown_account(db: None) -> None:
    with pytest.raises(CommandError, match="no cloud account 'octo'"):
        _run("octo")
