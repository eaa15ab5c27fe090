"""The audit log keeps who did what, and refuses whatever looks like a secret."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from enterprises.audit import SecretInAuditEvent, actor_ip, record
from enterprises.models import AuditEvent, Enterprise, User
from enterprises.secrets import encrypt, new_secret
from tests.factories import NOW


def test_event_is_kept_whole(owner: User, server_enterprise: Enterprise) -> None:
    before, after = {"enabled": False}, {"enabled": True, "at": NOW}

    event = record(
        enterprise=server_enterprise,
        action="config_entry.update",
        by=owner,
        ip="192.0.2.7",
        target="license_sync",
        before=before,
        after=after,
        at=NOW,
    )

    event.refresh_from_db()
    assert (event.actor, event.actor_name, event.ip) == (owner, "olivia", "192.0.2.7")
    assert event.before == {"enabled": False}
    assert event.after == {"enabled": True, "at": "2026-03-02T09:30:00Z"}


def test_nobody_is_the_system(server_enterprise: Enterprise) -> None:
    event = record(enterprise=server_enterprise, action="license_sync.succeeded", by=None, at=NOW)

    assert (event.actor, event.actor_name) == (None, "system")


@pytest.mark.django_db
def test_event_outlives_whom_and_what_it_names(owner: User, server_enterprise: Enterprise) -> None:
    event = record(enterprise=server_enterprise, action="license.update", by=owner, at=NOW)
    written = AuditEvent.objects.values().get(pk=event.pk)

    server_enterprise.delete()
    owner.delete()

    assert AuditEvent.objects.values().get(pk=event.pk) == written
    assert event.actor_name == "olivia"


@pytest.mark.parametrize("key", ["password", "api_token", "App_Key", "private-key", "client_secret", "Authorization"])
def test_secret_names_are_refused(key: str, server_enterprise: Enterprise) -> None:
    with pytest.raises(SecretInAuditEvent, match=r"after\.app\."):
        record(enterprise=server_enterprise, action="x.y", by=None, after={"app": {key: "x"}}, at=NOW)


@pytest.mark.parametrize(
    "value",
    [
        "-----BEGIN RSA PRIVATE KEY-----",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiI3In0.c2lnbmF0dXJl",
        "Bearer abcdefghijklmnopqrstuvwx",
        "Basic b2xpdmlhOmh1bnRlcjI=",
        "token 0123456789abcdefABCD",
        "ghp_0123456789abcdefABCD",
        "https://olivia:hunter2@cloud.example",
    ],
)
@pytest.mark.parametrize("shape", ["value", "list", "target"])
def test_secret_values_are_refused(value: str, shape: str, server_enterprise: Enterprise) -> None:
    given: dict[str, Any] = {"target": value} if shape == "target" else {"before": {"x": [value, 1]}}
    if shape == "value":
        given = {"after": {"x": f"was {value}"}}

    with pytest.raises(SecretInAuditEvent) as refused:
        record(enterprise=server_enterprise, action="x.y", by=None, at=NOW, **given)

    assert value not in str(refused.value)
    assert not AuditEvent.objects.filter(action="x.y").exists()


@pytest.mark.parametrize("name", ["eyja.example.com", "eyjolfur.corp.example.is", f"gaaaa{'x' * 30}"])
def test_name_of_a_host_is_no_secret(name: str, server_enterprise: Enterprise) -> None:
    assert record(enterprise=server_enterprise, action="x.y", by=None, target=name, at=NOW).target == name


def test_our_own_secrets_are_refused(server_enterprise: Enterprise) -> None:
    for secret in (new_secret(), encrypt("something")):
        with pytest.raises(SecretInAuditEvent):
            record(enterprise=server_enterprise, action="x.y", by=None, after={"note": secret}, at=NOW)


@pytest.mark.parametrize("name", ["Basic Telecommunications", "Token Entertainment-Holdings"])
def test_names_of_companies_are_no_secrets(name: str, server_enterprise: Enterprise) -> None:
    event = record(enterprise=server_enterprise, action="license.update", by=None, after={"customer": name}, at=NOW)

    assert event.after == {"customer": name}


def test_what_is_about_a_secret_may_be_kept(server_enterprise: Enterprise) -> None:
    after = {"token_id": 7, "token_expires_at": NOW, "sha256": "1c5f" * 16, "public_key": "abc", "host": "octo.example"}

    assert record(enterprise=server_enterprise, action="x.y", by=None, after=after, at=NOW).pk


@pytest.mark.parametrize(
    ("address", "expected"), [("192.0.2.7", "192.0.2.7"), ("2001:DB8::1", "2001:db8::1"), ("", "")]
)
def test_actor_ip_is_the_callers(address: str, expected: str) -> None:
    assert actor_ip(RequestFactory().get("/", REMOTE_ADDR=address)) == expected
