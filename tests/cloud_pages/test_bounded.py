"""However many people, servers and entries there are: what lists them asks the database as often as for a few."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cloud import applying, usage_files
from cloud.models import Channel, Intake, Ledger, VerifiedDomain
from cloud.statements import make_now
from cloud.suspects import runs, searching
from enterprises.models import Scope, User
from tests.cloud.books import NOW, connect, import_members, member, send
from tests.factories import make_token
from tests.support.usage_files import FileServer
from wire.lines import make_line

pytestmark = pytest.mark.django_db

ENTERPRISE = "/enterprises/octo"
LICENSING = f"{ENTERPRISE}/licensing"
API = f"/api/v3{ENTERPRISE}"
LISTS = [
    LICENSING,
    f"{LICENSING}/history.csv",
    f"{LICENSING}/report.csv",
    f"{LICENSING}/changes?from=0",
    f"{LICENSING}/changes/4",
    f"{LICENSING}/duplicates",
    f"{LICENSING}/savings",
    f"{LICENSING}/usage",
    f"{LICENSING}/usage/{{upload}}",
    f"{LICENSING}/statements",
    f"{ENTERPRISE}/people",
    f"{ENTERPRISE}/people?deployment=both&organization=octo&role=member&domain=octo.example&q=mona",
    f"{ENTERPRISE}/people/{{person}}",
    f"{ENTERPRISE}/people/{{person}}/data",
    f"{ENTERPRISE}/settings/domains",
    f"{ENTERPRISE}/settings/audit-log",
    f"{API}/consumed-licenses?per_page=100",
    f"{API}/license-sync-status",
    f"{API}/license-sync/people?per_page=100",
    f"{API}/license-sync/people/{{person}}",
    f"{API}/license-sync/history?per_page=100",
    f"{API}/license-sync/changes?per_page=100",
    f"{API}/license-sync/servers?per_page=100",
    f"{API}/license-sync/statements?per_page=100",
]


def fill(ledger: Ledger, number: int) -> None:
    """So many domains, members, servers, accounts of one person, pairs that look alike, and changes."""
    domains = [f"d{each}.example" for each in range(number)]
    VerifiedDomain.objects.bulk_create(
        (VerifiedDomain(ledger=ledger, domain=domain, verified_at=NOW) for domain in ["octo.example", *domains]),
        ignore_conflicts=True,
    )
    rows = [
        member(
            each,
            f"mona{each}",
            emails=[{"email": f"mona.lisa{each}@octo.example", "verified": True}],
            pending_invites=[f"org{each}"],
        )
        for each in range(1, number + 1)
    ]
    import_members(ledger, *rows)
    for place in range(number):
        others = {place + 1: [f"mona.lisa{place + 1}@octo.example"]}
        lines = [
            make_line(each, f"mona{each}@mail{place}.example", others.get(each, ())) for each in range(1, number + 1)
        ]
        hostname = f"ghes{place}.octo.example"
        server = ledger.installations.filter(hostname=hostname).first() or connect(ledger, hostname)
        send(server, [*lines, make_line(number + 1, "mona.lisa1@octo.example")])
        bring(ledger, f"ghes{number}-{place}.octo.example", lines)
    for place in range(number):
        make_now(ledger=ledger, by=None, at=NOW + place * timedelta(hours=1))
    run, _is_new = runs.request(ledger, NOW)
    searching.search(run.pk, lambda: NOW)
    assert ledger.suspects.count() >= number


def bring(ledger: Ledger, hostname: str, lines: list[bytes]) -> None:
    """A usage file of one more server, whose preview is ready."""
    server = FileServer(hostname, taken_at=NOW)
    connect(ledger, hostname, server_id=server.server_id, server_key=server.server_key)
    owner = ledger.enterprise.roles.get(role="owner").user
    intake = usage_files.upload(ledger=ledger, stream=server.stream(lines), name="usage.json", by=owner, at=NOW)
    applying.apply(intake.pk, lambda: NOW)


def asked(client: Client, ledger: Ledger, address: str, headers: dict[str, str]) -> list[str]:
    person = ledger.licenses.get(label="mona1").pk
    upload = Intake.objects.filter(channel=Channel.FILE).latest("pk").pk
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address.format(person=person, upload=upload), headers=headers)
        assert answer.status_code == 200
        assert answer.getvalue()
    return [query["sql"] for query in queries.captured_queries]


def test_lists_ask_as_often_for_many_as_for_a_few(owner_client: Client, ledger: Ledger, owner: User) -> None:
    _row, token = make_token(owner, Scope.READ_ENTERPRISE)
    headers = {address: {"Authorization": f"Bearer {token}"} if address.startswith(API) else {} for address in LISTS}

    fill(ledger, 3)
    few = {address: asked(owner_client, ledger, address, headers[address]) for address in LISTS}
    fill(ledger, 8)
    many = {address: asked(owner_client, ledger, address, headers[address]) for address in LISTS}

    more = {address: (few[address], many[address]) for address in LISTS if len(many[address]) > len(few[address])}
    assert more == {}
    assert max(map(len, many.values())) <= 30
