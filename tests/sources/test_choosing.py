"""Choosing a source: what an owner may name, and a token that is entered anew for every address."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from django.test import override_settings

from connect.models import Server
from enterprises.models import AuditEvent
from licensesync.models import SeatSource, SourceConfig
from licensesync.sources.choosing import Choice, choose
from tests.factories import NOW
from tests.sources.helper import failure_of, from_ghes
from tests.support.ghes import Ghes

pytestmark = pytest.mark.django_db

ADDRESS = "https://ghes1.octo.example"


def by_owner(server: Server, **values: str) -> SourceConfig:
    choice = Choice(kind=SeatSource.Kind.GHES, **{"base_url": ADDRESS, "user_name": "admin", **values})
    return choose(server=server, choice=choice, by=None, at=NOW)


def problems(server: Server, **values: str) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        by_owner(server, **values)
    return sorted(caught.value.message_dict)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ghes1.octo.example",
        "http://ghes1.octo.example",
        "https://user:password@ghes1.octo.example",
        "https://ghes1.octo.example/path",
        "https://ghes1.octo.example:99999",
        "ftp://ghes1.octo.example",
        "https://localhost",
        "https://127.0.0.1:8443",
        "https://[::1]",
        "https://ghes1.octo.example?x=1",
    ],
)
def test_owner_names_another_machine_and_only_over_tls(server: Server, address: str) -> None:
    assert problems(server, base_url=address, token="a-token-1") == ["base_url"]


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_name_that_leads_to_this_machine_is_refused_when_it_is_reached(server: Server, ghes: Ghes) -> None:
    from_ghes(server, ghes)
    SourceConfig.objects.update(may_be_local=False)
    assert failure_of(server).code == "source_address"
    assert ghes.seen == []


@pytest.mark.parametrize("changed", [{"base_url": "https://ghes2.octo.example"}, {"user_name": "root"}])
def test_another_address_or_user_wants_the_token_again(server: Server, changed: dict[str, str]) -> None:
    by_owner(server, token="a-token-1")
    assert problems(server, **changed) == ["token"]

    same = by_owner(server)
    other = by_owner(server, **changed, token="a-token-2")

    assert (same.token, other.token) == ("a-token-1", "a-token-2")


def test_token_goes_with_the_source_that_it_was_for(server: Server) -> None:
    by_owner(server, token="a-token-1")
    imported = choose(server=server, choice=Choice(kind=SeatSource.Kind.IMPORT), by=None, at=NOW)
    assert (imported.token, imported.base_url) == ("", "")
    assert problems(server) == ["token"]


def test_token_that_cannot_be_opened_keeps_no_new_one_out(server: Server) -> None:
    by_owner(server, token="a-token-1")

    with override_settings(FIELD_ENCRYPTION_KEYS=[Fernet.generate_key().decode()]):
        assert problems(server) == ["token"]
        assert by_owner(server, token="a-token-2").token == "a-token-2"


@pytest.mark.parametrize("token", ["with space", "ünicode", "x" * 501, "line\nend"])
def test_what_no_token_looks_like_is_refused(server: Server, token: str) -> None:
    assert problems(server, token=token) == ["token"]


def test_every_change_is_audited_without_its_token_and_nothing_else_is(server: Server) -> None:
    by_owner(server, token="a-token-1")
    by_owner(server)
    by_owner(server, token="a-token-2")

    events = AuditEvent.objects.filter(action="config_entry.update", target="seat_source").order_by("pk")
    assert [event.after["seat_source"]["base_url"] for event in events if event.after] == [ADDRESS, ADDRESS]
    assert "a-token" not in str([(event.before, event.after) for event in events])
