"""A real GHES as the source: its report whole or not at all, its license, and a token that stays with its address."""

from __future__ import annotations

import base64
from datetime import date, timedelta
from typing import Any

import pytest
import requests
from cryptography.fernet import Fernet
from django.db import connection
from django.test import override_settings

from connect.models import Server
from enterprises.models import AuditEvent
from enterprises.outbound import Body
from enterprises.secrets import WrongEncryptionKey
from licensesync.jobs import ClaimLost
from licensesync.models import License, SeatSource, SourceConfig
from licensesync.services import set_license
from licensesync.sources import ghes as reader
from licensesync.sources.asking import ask
from tests.factories import NOW
from tests.licensesync.world import Clock, ndjson, seat
from tests.sources.helper import failure_of, from_ghes, held, refresh
from tests.support.ghes import Ghes
from tests.support.ghes_behavior import LICENSE, REPORT, TOKEN, USER, line, report

pytestmark = [pytest.mark.django_db, pytest.mark.allow_hosts(["127.0.0.1"])]

TROUBLES = {
    "login_page": "source_not_ours",
    "login_redirect": "source_auth",
    "elsewhere": "source_not_ours",
    "not_allowed": "source_not_allowed",
    "rate_limited": "source_rate_limited",
    "server_error": "source_server_error",
    "never_ready": "source_not_ready",
    "cut": "source_unfinished",
    "cut_chunked": "source_unfinished",
    "cut_last_line": "source_unfinished",
    "huge": "source_too_large",
    "wrong_columns": "source_invalid",
    "bad_line": "source_invalid",
    "empty": "source_invalid",
}


def test_report_that_ghes_makes_becomes_the_seats_with_its_own_time(server: Server, ghes: Ghes) -> None:
    ghes.behave(accounts=5, suspended=1, made_ago=0.5, unready=2)
    ghes.ahead = NOW - ghes_now()
    from_ghes(server, ghes)

    change = refresh(server)

    source = SeatSource.objects.get(server=server)
    assert change is not None
    assert (change.added, change.removed, source.kind) == (2, 0, "ghes")
    assert (source.accounts, source.license_consuming, source.suspended) == (5, 4, 1)
    assert abs(source.taken_at - (NOW - timedelta(hours=12))) < timedelta(minutes=1)
    config = SourceConfig.objects.get(server=server)
    assert (config.error_code, config.license_error, config.lease_until) == ("", "", None)
    # Two answers 202, after two and four seconds, and the third is the list.
    assert ghes.paths() == [REPORT, REPORT, REPORT, LICENSE]
    assert config.took_seconds == 6
    basic = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    assert {headers["Authorization"] for _path, headers in ghes.seen} == {f"Basic {basic}"}


def test_license_comes_from_ghes_and_keeps_the_customer_that_was_entered(server: Server, ghes: Ghes) -> None:
    set_license(server=server, customer="Octo", seats=10, by=None, at=NOW)
    from_ghes(server, ghes)
    refresh(server)
    first = License.objects.get(server=server)
    assert (first.customer, first.seats, first.expires_on, first.source) == ("Octo", 100, date(2027, 11, 30), "ghes")

    ghes.behave(seats="unlimited", kind="trial", expire_at=None)
    refresh(server)

    second = License.objects.get(server=server)
    assert (second.customer, second.kind, second.seats, second.expires_on) == ("Octo", "trial", None, None)


@pytest.mark.parametrize("name", ["Last-Modified", "Date"])
def test_time_that_cannot_be_is_none(name: str) -> None:
    answer = requests.Response()
    answer.headers[name] = f"Mon, 01 Jan 2020 00:00:00 +{'9' * 20}"
    assert reader._made_at(answer, NOW) == NOW


@pytest.mark.parametrize("kind", ["standard\0", "x" * 50_000, f"ghp_{'a' * 36}"])
def test_license_that_cannot_be_kept_makes_the_seats_no_worse(server: Server, ghes: Ghes, kind: str) -> None:
    ghes.behave(kind=kind)
    from_ghes(server, ghes)

    refresh(server)

    config = SourceConfig.objects.get(server=server)
    assert (config.error_code, config.license_error) == ("", "source_not_ours")
    assert not License.objects.exists()


@pytest.mark.parametrize(
    ("trouble", "code"), [("no_license_api", "source_not_allowed"), ("bad_license", "source_not_ours")]
)
def test_license_that_ghes_does_not_tell_makes_the_seats_no_worse(
    server: Server, ghes: Ghes, trouble: str, code: str
) -> None:
    ghes.behave(accounts=4, trouble=trouble)
    from_ghes(server, ghes)

    refresh(server)

    assert len(held(server)) == 4
    config = SourceConfig.objects.get(server=server)
    assert (config.error_code, config.license_error) == ("", code)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_of_ghes_is_named_and_changes_nothing(server: Server, ghes: Ghes, trouble: str) -> None:
    ghes.behave(accounts=9, trouble=trouble, unready=0)
    from_ghes(server, ghes)

    failure = failure_of(server)

    assert failure.code == TROUBLES[trouble]
    assert len(str(failure)) > 20


def test_wrong_token_is_told_from_a_page_that_is_hidden(server: Server, ghes: Ghes) -> None:
    from_ghes(server, ghes, token="another-token-1")
    assert failure_of(server).code == "source_auth"


def test_bad_line_is_named_by_its_number_and_reason(server: Server, ghes: Ghes) -> None:
    ghes.behave(trouble="bad_line", unready=0)
    from_ghes(server, ghes)
    assert failure_of(server).detail == "Line 3: suspended? is neither true nor false"


@pytest.mark.parametrize("trouble", ["drip", "silent"])
def test_answer_that_never_ends_is_given_up(
    server: Server, ghes: Ghes, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_READ_SECONDS", 0.3)
    monkeypatch.setattr(reader, "_REPORT_SECONDS", 0.3)
    ghes.behave(trouble=trouble, unready=0)
    from_ghes(server, ghes)
    assert failure_of(server).code == "source_timeout"


def test_pause_that_ghes_asks_for_is_kept_and_reported(server: Server, ghes: Ghes) -> None:
    ghes.behave(retry_after=50, unready=1)
    from_ghes(server, ghes)
    clock = Clock()
    refresh(server, clock=clock)
    assert clock.now == NOW + timedelta(seconds=50)

    ghes.behave(trouble="rate_limited", retry_after=90)
    assert failure_of(server).retry_after == 90


def test_nobody_listens_or_has_the_name(server: Server, ghes: Ghes) -> None:
    with Ghes() as other:
        url = other.url
    from_ghes(server, ghes, base_url=url)
    assert failure_of(server).code == "source_refused"


def test_redirect_within_ghes_is_followed_and_one_to_others_gets_no_token(server: Server, ghes: Ghes) -> None:
    ghes.behave(accounts=4, trouble="same_host_redirect", unready=0)
    from_ghes(server, ghes)
    refresh(server)
    assert len(held(server)) == 4

    with Ghes(unready=0) as other:
        ghes.behave(trouble="elsewhere", location=f"{other.url}{REPORT}")
        assert failure_of(server).code == "source_not_ours"
        assert other.seen == []
    ghes.behave(trouble="elsewhere", location="//[")
    assert failure_of(server).code == "source_not_ours"


def test_without_a_user_name_the_token_goes_alone(server: Server, ghes: Ghes) -> None:
    from_ghes(server, ghes, user_name="")
    refresh(server)
    assert {headers["Authorization"] for _path, headers in ghes.seen} == {f"Bearer {TOKEN}"}


def test_list_that_is_chunked_is_as_good(server: Server, ghes: Ghes) -> None:
    ghes.behave(accounts=4, chunked=True)
    from_ghes(server, ghes)
    refresh(server)
    assert len(held(server)) == 4


def test_large_shrink_waits_for_somebody_to_confirm_it(server: Server, ghes: Ghes) -> None:
    seat(server, ndjson(range(1, 101)))
    ghes.behave(accounts=50)
    from_ghes(server, ghes)

    failure = failure_of(server)

    assert (failure.code, failure.is_transient) == ("source_shrink", False)
    assert "50 of 100" in failure.detail
    refresh(server, allow_shrink=True)
    assert len(held(server)) == 50


def test_source_that_is_changed_while_its_list_comes_in_switches_nothing(
    server: Server, ghes: Ghes, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghes.behave(accounts=9)
    from_ghes(server, ghes)
    before = held(server)
    read = Body.read

    def choose_another(body: Body, size: int = 65_536) -> bytes:
        from_ghes(server, ghes, user_name="somebody-else")
        return read(body, size)

    monkeypatch.setattr(Body, "read", choose_another)
    with pytest.raises(ClaimLost):
        refresh(server)

    assert held(server) == before
    config = SourceConfig.objects.get(server=server)
    assert (config.user_name, config.succeeded_at, config.attempted_at) == ("somebody-else", None, None)


def test_second_refresh_is_told_that_one_is_under_way_until_its_lease_is_over(server: Server, ghes: Ghes) -> None:
    from_ghes(server, ghes)
    SourceConfig.objects.update(lease_until=NOW + timedelta(minutes=5))
    clock = Clock()
    with pytest.raises(Exception, match="being refreshed already"):
        refresh(server, clock=clock)

    clock.move(minutes=6)
    refresh(server, clock=clock)

    assert SourceConfig.objects.get(server=server).succeeded_at is not None


def test_slow_list_renews_its_claim(server: Server, ghes: Ghes, monkeypatch: pytest.MonkeyPatch) -> None:
    from_ghes(server, ghes)
    clock = Clock()
    leases = []
    read = Body.read

    def slowly(body: Body, size: int = 65_536) -> bytes:
        leases.append(SourceConfig.objects.get(server=server).lease_until)
        clock.move(minutes=4)
        return read(body, size)

    monkeypatch.setattr(Body, "read", slowly)
    refresh(server, clock=clock)

    assert len(set(leases)) == 3


def test_token_is_kept_encrypted_and_never_audited(server: Server, ghes: Ghes) -> None:
    from_ghes(server, ghes)
    refresh(server)

    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM licensesync_sourceconfig")
        (kept,) = cursor.fetchone()
    assert kept.startswith("gAAAA")
    said: list[Any] = list(AuditEvent.objects.values_list("before", "after", "target"))
    assert "seat_source" in str(said)
    assert TOKEN not in str(said)
    event = AuditEvent.objects.get(action="seats.import", after__source="ghes")
    assert event.actor_name == "system"


def test_quoted_address_with_a_line_end_counts_as_one_line(server: Server, ghes: Ghes) -> None:
    ghes.behave(report=report(line(1), line(2), line(3, email="zoë@straße.example")))
    from_ghes(server, ghes)
    refresh(server)
    assert held(server)[2][1] == "zoë@xn--strae-oqa.example"


def ghes_now() -> Any:
    from django.utils import timezone

    return timezone.now()


def test_token_that_cannot_be_opened_is_a_failure_and_keeps_no_claim(server: Server, ghes: Ghes) -> None:
    from_ghes(server, ghes)
    other = override_settings(FIELD_ENCRYPTION_KEYS=[Fernet.generate_key().decode()])
    with other:
        ask(server=server, by=None, at=NOW)
        with pytest.raises(WrongEncryptionKey):
            refresh(server)

    config = SourceConfig.objects.get(server=server)
    assert (config.error_code, config.lease_until) == ("source_internal", None)
    assert ghes.seen == []
