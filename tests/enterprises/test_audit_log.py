"""The audit log as owners read it: filtered, page by page, in words, and as a file in GitHub's field names."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from enterprises import audit_log, audit_words
from enterprises.audit import record
from enterprises.audit_log import Filters
from enterprises.models import AuditEvent, Deployment, Enterprise, User
from enterprises.services import create_api_token
from tests.factories import NOW

ROOT: Final = Path(__file__).resolve().parents[2]
ACTION: Final = re.compile(r"""["']((?:[a-z_]+)\.(?:[a-z_]+))["']""")
PAGE: Final = "/enterprises/octo-server/settings/audit-log"
ONLY_OURS: Final = Filters(action="test")


def write(enterprise: Enterprise, count: int, *, action: str = "test.event", by: User | None = None) -> None:
    """An event a minute, in pairs that share a moment."""
    AuditEvent.objects.bulk_create(
        AuditEvent(
            enterprise=enterprise,
            actor=by,
            actor_name=by.username if by else "system",
            action=action,
            at=NOW + timedelta(minutes=number // 2),
        )
        for number in range(count)
    )


def shown(client: Client, **query: str) -> list[AuditEvent]:
    response = client.get(PAGE, query)
    assert response.status_code == 200
    return [event for event, _sentence, _changes in response.context["rows"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"actor": "Olivia"}, {"test.one", "other.two"}),
        ({"actor": "system"}, {"test.three", "test.four"}),
        ({"action": "test"}, {"test.one", "test.three", "test.four"}),
        ({"action": "test.one"}, {"test.one"}),
        ({"since": "2026-03-03"}, {"test.three", "test.four"}),
        ({"until": "2026-03-02"}, {"test.one", "other.two"}),
        ({"since": "2026-03-03", "until": "2026-03-03", "actor": "system", "action": "test"}, {"test.three"}),
        ({"action": "%"}, set()),
    ],
)
def test_filters_combine_and_days_are_whole(
    query: dict[str, str], expected: set[str], owner_client: Client, owner: User, server_enterprise: Enterprise
) -> None:
    for action, by, day in (("test.one", owner, 0), ("other.two", owner, 0), ("test.three", None, 1)):
        record(enterprise=server_enterprise, action=action, by=by, at=NOW + timedelta(days=day))
    record(enterprise=server_enterprise, action="test.four", by=None, at=datetime(2026, 3, 4, tzinfo=UTC))

    assert {event.action for event in shown(owner_client, **query) if event.at.year == 2026} - {
        "business.create",
        "business.add_admin",
        "business.add_billing_manager",
    } == expected


def test_days_are_those_of_the_reader(owner_client: Client, owner: User, server_enterprise: Enterprise) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Pacific/Auckland")
    record(enterprise=server_enterprise, action="test.event", by=None, at=datetime(2026, 3, 1, 11, 30, tzinfo=UTC))

    assert shown(owner_client, action="test", since="2026-03-02", until="2026-03-02")
    assert not shown(owner_client, action="test", until="2026-03-01")


def test_pages_neither_lose_nor_repeat_what_is_there_while_more_comes(server_enterprise: Enterprise) -> None:
    write(server_enterprise, 2 * audit_log.PAGE_SIZE + 1)
    everything = list(audit_log.events(server_enterprise, ONLY_OURS))
    found, seen, before = audit_log.events(server_enterprise, ONLY_OURS), list[AuditEvent](), ""

    while page := audit_log.page(found, before=before):
        seen += page.events
        write(server_enterprise, 3, action="test.later")
        if not page.older:
            break
        before = page.older

    assert [event for event in seen if event.action == "test.event"] == everything
    found = found.filter(action="test.event")
    back = audit_log.page(found, after=str(audit_log.Cursor.of(everything[100])))
    assert (back.events, back.older) == (everything[50:100], str(audit_log.Cursor.of(everything[99])))
    first = audit_log.page(found, after=back.newer)
    assert (first.events, first.newer) == (everything[:50], "")


@pytest.mark.parametrize("nonsense", ["x", "1-", "99999999999999999-1", "-1-1", "1-1\n", "١-١"])
def test_place_that_nobody_gave_is_the_beginning(
    nonsense: str, owner_client: Client, server_enterprise: Enterprise
) -> None:
    write(server_enterprise, 3)

    assert len(shown(owner_client, action="test", before=nonsense)) == 3


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"action": "x" * 65}, {"actor": "x" * 151}])
def test_filter_that_cannot_be_read_lists_and_exports_nothing(
    query: dict[str, str], owner_client: Client, server_enterprise: Enterprise
) -> None:
    for address in (PAGE, f"{PAGE}/export"):
        response = owner_client.get(address, query)
        assert (response.status_code, response.context["rows"]) == (422, [])
        assert "Nothing matches" not in response.content.decode()
    assert not AuditEvent.objects.filter(action="business.audit_log_export").exists()


def test_secret_that_somebody_looks_for_is_not_written_down(
    owner_client: Client, server_enterprise: Enterprise
) -> None:
    secret = f"ghp_{'a' * 36}"

    assert exported(owner_client, actor=secret, since="2026-03-01") == []

    (event,) = AuditEvent.objects.filter(action="business.audit_log_export")
    assert list(event.after or {}) == ["since"]


def test_row_says_in_words_what_was_changed(owner_client: Client, owner: User, server_enterprise: Enterprise) -> None:
    record(
        enterprise=server_enterprise,
        action="license.update",
        by=owner,
        ip="192.0.2.7",
        target="<b>ghe</b>",
        before={"seats": 1000, "options": {"advanced": False}},
        after={"seats": None, "options": {"advanced": True}, "names": ["a", "b"]},
        at=NOW,
    )

    page = owner_client.get(PAGE, {"action": "license.update"}).content.decode()

    assert "The license was changed." in page
    assert "&lt;b&gt;ghe&lt;/b&gt;" in page
    assert "192.0.2.7" in page
    (event,) = AuditEvent.objects.filter(action="license.update")
    assert [(change.name, change.before, change.after) for change in audit_words.changes(event)] == [
        ("seats", "1,000", "none"),
        ("options.advanced", "no", "yes"),
        ("names", "", "a, b"),
    ]


def test_every_action_that_is_written_has_words() -> None:
    written: set[str] = set()
    for package in ("config", "enterprises", "connect", "licensesync", "cloud"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text()
            if "audit" in text and path.name not in {"audit_words.py", "urls.py"}:
                calls = re.findall(r"(?:\baction=|_audit\([^\"']*)[^\n]*", text)
                written |= {action for call in calls for action in ACTION.findall(call)}
    known = {**audit_words.actions(Deployment.SERVER), **audit_words.actions(Deployment.CLOUD), **audit_words._PEOPLE}

    assert len(written) > 20
    assert written - known.keys() == set()


def exported(client: Client, **query: str) -> list[dict[str, Any]]:
    response = client.get(f"{PAGE}/export", query)
    assert response.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert response.streaming
    return [json.loads(line) for line in b"".join(response).splitlines()]


def test_export_has_the_names_of_github_and_is_an_event(
    owner_client: Client, owner: User, server_enterprise: Enterprise
) -> None:
    event = record(
        enterprise=server_enterprise, action="test.event", by=owner, ip="192.0.2.7", target="é", after={"a": 1}, at=NOW
    )

    first, again = (exported(owner_client, action="test", actor="olivia") for _time in range(2))

    assert first == again
    (line,) = first
    assert re.fullmatch(r"[\w-]{22}", line.pop("_document_id"))
    assert line == {
        "@timestamp": 1772443800000,
        "action": "test.event",
        "actor": "olivia",
        "actor_id": owner.pk,
        "actor_ip": "192.0.2.7",
        "business": "octo-server",
        "business_id": server_enterprise.pk,
        "created_at": 1772443800000,
        "target": "é",
        "after": {"a": 1},
    }
    written = AuditEvent.objects.filter(action="business.audit_log_export").latest("pk")
    assert (written.actor_name, written.after) == ("olivia", {"actor": "olivia", "action": "test"})
    assert event.pk < written.pk


def test_other_side_and_others_see_nothing_of_it(
    owner_client: Client, stranger: User, server_enterprise: Enterprise
) -> None:
    other = Client()
    other.force_login(stranger)

    assert other.get(PAGE).status_code == other.get(f"{PAGE}/export").status_code == 404
    with_another = Enterprise.objects.get(slug="elsewhere")
    record(enterprise=with_another, action="test.event", by=None, at=NOW)
    assert shown(owner_client, action="test") == []


def test_side_that_is_not_served_has_no_log(
    owner_client: Client, server_enterprise: Enterprise, settings: Settings
) -> None:
    settings.SERVES_SERVER = False

    assert owner_client.get(PAGE).status_code == 404


@pytest.mark.parametrize("filters", [
    Filters(),
    Filters(actor="nobody"),
    Filters(action="test.rare"),
    Filters(actor="system", action="test.rare", since=NOW, until=NOW + timedelta(days=9)),
])  # fmt: skip
@pytest.mark.parametrize("edge", ["", "1772443900000000-5"])
def test_page_comes_from_an_index(filters: Filters, edge: str, server_enterprise: Enterprise) -> None:
    write(server_enterprise, 2_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE enterprises_auditevent")
    found = audit_log.events(server_enterprise, filters)

    plan = str(audit_log.older_than(found, edge)[: audit_log.PAGE_SIZE + 1].explain())

    assert "audit_event_by_" in plan
    assert "Seq Scan" not in plan
    assert "TEMP B-TREE" not in plan


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("audit_log", *arguments, stdout=out)
    return out.getvalue()


def test_command_prints_lines_and_streams_json(owner: User, server_enterprise: Enterprise) -> None:
    record(enterprise=server_enterprise, action="test.event", by=owner, before={"a": 1}, after={"a": 2}, at=NOW)
    conditions = ("octo-server", "--actor", "olivia", "--action", "test.event", "--since", "2026-03-02")

    assert command(*conditions) == "2026-03-02 09:30:00 UTC  olivia  test.event  a: 1 -> 2\n"
    assert command(*conditions, "--until", "2026-03-02T09:30:00Z") == ""
    assert [json.loads(line)["action"] for line in command(*conditions, "--json").splitlines()] == ["test.event"]
    assert AuditEvent.objects.latest("pk").action == "business.audit_log_export"
    for nonsense in ("noon", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(CommandError, match="is neither a day nor a time"):
            command("octo-server", "--since", nonsense)


def test_command_without_an_enterprise_says_what_concerns_people(owner: User, server_enterprise: Enterprise) -> None:
    create_api_token(user=owner, scopes=["read:enterprise"], at=NOW)

    assert "api_token.create  olivia" in command("--action", "api_token")
    assert "business." not in command()
