"""Enterprise with managed users: the setting, on its page and by command."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cloud.models import Ledger
from cloud.services import open_ledger
from enterprises.models import AuditEvent, Enterprise
from tests.cloud.books import NOW

URL = "/enterprises/octo/settings/addresses"


@pytest.fixture
def ledger(cloud_enterprise: Enterprise) -> Ledger:
    return open_ledger(enterprise=cloud_enterprise, at=NOW)


def test_owner_says_so_on_a_page_and_takes_it_back(owner_client: Client, ledger: Ledger) -> None:
    said = [owner_client.post(URL, data).status_code for data in ({"managed_users": "on"}, {})]

    events = AuditEvent.objects.filter(action="config_entry.update", target="managed_users").order_by("pk")
    ledger.refresh_from_db()
    assert (said, ledger.managed_users) == ([302, 302], False)
    assert [(event.before, event.after, event.actor_name) for event in events] == [
        ({"managed_users": False}, {"managed_users": True}, "olivia"),
        ({"managed_users": True}, {"managed_users": False}, "olivia"),
    ]


def test_saving_what_is_so_already_leaves_no_line(owner_client: Client, ledger: Ledger) -> None:
    owner_client.post(URL, {})

    assert not AuditEvent.objects.filter(action="config_entry.update").exists()


def test_command_sets_and_tells_it(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("managed_users", "octo", "--set", "on")
    call_command("managed_users", "octo", "--json")

    line, result = capsys.readouterr().out.splitlines()
    assert line == "octo is an enterprise with managed users: all addresses of its members are shown."
    assert json.loads(result) == {"managed_users": True}
    assert AuditEvent.objects.get(action="config_entry.update").after == {"managed_users": True}


def test_command_knows_no_other_account(db: None) -> None:
    with pytest.raises(CommandError, match="There is no cloud account 'octo'"):
        call_command("managed_users", "octo")
