"""`rotate_keys` with an option: a line for each key that was made anew, and for each that was not."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from cloud.models import ReceiptSigner
from connect.models import Connection
from tests.connect.connections import make_connected
from tests.licensesync.world import make_server, make_unconnected

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[list[dict[str, Any]], str]:
    """What the command reports, and its closing sentence where it failed."""
    output, failure = StringIO(), ""
    try:
        call_command("rotate_keys", "--json", *arguments, stdout=output)
    except CommandError as error:
        failure = str(error)
    return [json.loads(line) for line in output.getvalue().splitlines()], failure


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_cloud_that_cannot_be_reached_is_said_for_each_server() -> None:
    # Nobody listens at the port "discard".
    for number in (1, 2):
        make_connected(make_server(f"ghes{number}", f"ghes{number}.octo.example"), "http://127.0.0.1:9")
    make_unconnected(Connection.State.DISCONNECTED)

    reported, failure = run("--app-keys")

    assert [line["server"] for line in reported] == ["ghes1", "ghes2"]
    assert {line["outcome"] for line in reported} == {"refused"}
    assert failure == "2 App keys stay as they are."


def test_server_that_is_not_connected_has_no_app_key() -> None:
    slug = make_unconnected(Connection.State.NOT_CONNECTED).server.enterprise.slug

    reported, failure = run("--app-keys", slug)

    assert reported == [{"server": slug, "outcome": "not_connected"}]
    assert failure == "1 App keys stay as they are."


def test_server_that_nobody_knows_is_named() -> None:
    assert run("--app-keys", "nobody") == ([], "There is no server 'nobody'; create_enterprise makes one.")


def test_new_receipt_key_is_named() -> None:
    reported, failure = run("--receipt-key")

    assert (ReceiptSigner.objects.count(), failure) == (2, "")
    assert reported == [{"kid": ReceiptSigner.objects.exclude(endorsement="").get().kid, "waiting": 0}]


def test_server_signs_no_receipts(settings: Settings) -> None:
    settings.SERVES_CLOUD = False

    assert run("--receipt-key") == ([], "This console is no cloud: it signs no receipts.")
    assert not ReceiptSigner.objects.exists()
