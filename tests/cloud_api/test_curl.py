"""Every curl of docs/rest.md does what it says, and every resource that is described is in the document."""

import re
import shlex
from argparse import ArgumentParser
from http import HTTPStatus
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import pytest
from django.test import Client

from cloud.api.document import document
from cloud.services import open_ledger
from cloud.statements import make_now
from cloud.usage_files import uploads_of
from enterprises.models import Scope, User
from licensesync.services import set_license
from tests.cloud.refused_files import LINES, applied, new_server
from tests.cloud_api.examples import load_example
from tests.factories import NOW, make_cloud_enterprise, make_role, make_token
from tests.licensesync.world import make_server

TEXT = (Path(__file__).parents[2] / "docs" / "rest.md").read_text("utf-8")
COMMANDS = re.findall(r"^curl .+$", TEXT, re.MULTILINE)


def parser() -> ArgumentParser:
    """The options of curl that the document uses; another one is an error."""
    options = ArgumentParser(prog="curl", exit_on_error=False)
    options.add_argument("-H", action="append", dest="headers", default=[])
    options.add_argument("--head", action="store_true")
    options.add_argument("-X", dest="method", default="GET")
    options.add_argument("-T", dest="file")
    options.add_argument("-o", dest="output")
    options.add_argument("--etag-compare")
    options.add_argument("--etag-save")
    options.add_argument("address")
    return options


def run(command: str, variables: dict[str, str], etags: dict[str, str]) -> int:
    """What curl would do: the status of the answer."""
    _curl, *arguments = shlex.split(Template(command).substitute(variables))
    asked = parser().parse_args(arguments)
    headers = dict(header.split(": ", 1) for header in asked.headers)
    if asked.etag_compare:
        headers["If-None-Match"] = etags.get(asked.etag_compare, '""')
    address = urlsplit(asked.address)
    path = f"{address.path}?{address.query}"
    content = variables[asked.file].encode() if asked.file else b""
    response = Client().generic("HEAD" if asked.head else asked.method, path, content, headers=headers, secure=True)
    if asked.etag_save:
        etags[asked.etag_save] = response["ETag"]
    return response.status_code


@pytest.fixture
def variables(owner: User) -> dict[str, str]:
    """The token of the owner of octo, and of a server with a license; an upload, and the file of a new server."""
    ledger = open_ledger(enterprise=make_cloud_enterprise("octo", owner=owner), seats_purchased=100, at=NOW)
    load_example(ledger, "contested")
    server = make_server("ghes1")
    make_role(owner, server.enterprise)
    set_license(server=server, customer="Octo", seats=50, expires_on=None, by=None, at=NOW)
    applied(ledger, new_server())
    new = new_server("ghes8.octo.example")
    return {
        "TOKEN": make_token(owner, Scope.ADMIN_ENTERPRISE)[1],
        "STATEMENT": str(make_now(ledger=ledger, by=None, at=NOW).pk),
        "UPLOAD": str(uploads_of(ledger).get().pk),
        "FINGERPRINT": new.fingerprint.replace(" ", ""),
        "usage.json": new.file(LINES).decode(),
    }


def test_every_command_is_answered(variables: dict[str, str]) -> None:
    etags: dict[str, str] = {}

    statuses = {command: run(command, variables, etags) for command in COMMANDS}

    assert len(COMMANDS) >= 10
    expected = {command: HTTPStatus.ACCEPTED if "-X POST" in command else HTTPStatus.OK for command in COMMANDS}
    assert statuses == expected


def test_command_that_keeps_the_etag_is_told_that_nothing_changed(variables: dict[str, str]) -> None:
    (command,) = (command for command in COMMANDS if "--etag-compare" in command)
    etags: dict[str, str] = {}

    assert [run(command, variables, etags) for _again in range(2)] == [HTTPStatus.OK, HTTPStatus.NOT_MODIFIED]


def test_every_resource_is_in_the_document() -> None:
    described = (f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods)

    assert [operation for operation in described if operation not in TEXT] == []
