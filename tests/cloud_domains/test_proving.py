"""The life of a domain: added, proved or approved, looked up, lapsed, deleted."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import dns.rcode
import pytest

from cloud.domains import proving, rechecking
from cloud.domains.names import challenge_name
from cloud.domains.resolving import Outcome
from cloud.domains.states import DomainState, Standing, domain_states
from cloud.models import DomainChallenge, Ledger, VerifiedDomain
from enterprises.models import AuditEvent
from tests.cloud_domains.dns_server import DnsServer, failing
from tests.factories import NOW

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

DOMAIN = "octo.example"
NAME = challenge_name("octo", DOMAIN)
DAY = timedelta(days=1)


def add(ledger: Ledger, domain: str = DOMAIN) -> DomainChallenge:
    return proving.add(ledger=ledger, domain=domain, by=None, at=NOW)


def verified(ledger: Ledger, dns_server: DnsServer) -> DomainChallenge:
    challenge = add(ledger)
    dns_server.txt(NAME, challenge.code)
    assert proving.verify(challenge, by=None, at=NOW) is Outcome.FOUND
    return DomainChallenge.objects.get()


def state(ledger: Ledger, at: datetime = NOW) -> DomainState:
    [found] = domain_states(ledger, at, {})
    return found


def recheck(at: datetime) -> int:
    return rechecking.recheck(lambda: at)


def actions() -> list[str]:
    events = AuditEvent.objects.filter(action__startswith="enterprise_domain.").order_by("pk")
    return [event.action.partition(".")[2] for event in events]


def held() -> list[str]:
    return list(VerifiedDomain.objects.values_list("domain", flat=True))


def test_domain_that_is_added_takes_no_effect(ledger: Ledger) -> None:
    challenge = add(ledger)

    assert re.fullmatch("[0-9a-f]{32}", challenge.code)
    assert (held(), actions()) == ([], ["create"])
    assert state(ledger).standing is Standing.PENDING
    assert state(ledger, NOW + 7 * DAY).standing is Standing.EXPIRED
    with pytest.raises(proving.DomainTaken):
        add(ledger)


def test_account_has_its_own_code_and_a_limit(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "MAX_DOMAINS", 2)

    assert add(ledger).code != add(ledger, "labs.example").code
    with pytest.raises(proving.TooManyDomains):
        add(ledger, "more.example")


def test_record_verifies_and_no_other_name_is_asked(ledger: Ledger, dns_server: DnsServer) -> None:
    verified(ledger, dns_server)

    assert (held(), actions()) == ([DOMAIN], ["create", "verify"])
    assert state(ledger).standing is Standing.VERIFIED
    assert dns_server.names == {NAME}


def test_without_the_record_nothing_is_verified_and_the_reason_is_said(ledger: Ledger, dns_server: DnsServer) -> None:
    challenge = add(ledger)

    assert proving.verify(challenge, by=None, at=NOW) is Outcome.NO_NAME
    assert (held(), actions()) == ([], ["create"])
    assert "DNS knows no such name." in state(ledger).sentence


def test_code_is_good_for_seven_days(ledger: Ledger, dns_server: DnsServer) -> None:
    challenge = add(ledger)
    dns_server.txt(NAME, challenge.code)

    with pytest.raises(proving.CodeExpired):
        proving.verify(challenge, by=None, at=NOW + 7 * DAY)
    renewed = proving.renew(ledger=ledger, domain=DOMAIN, by=None, at=NOW + 7 * DAY)

    assert dns_server.asked == []
    assert renewed.code != challenge.code
    assert proving.verify(renewed, by=None, at=NOW + 8 * DAY) is Outcome.OTHER_VALUE
    assert state(ledger, NOW + 8 * DAY).standing is Standing.PENDING
    assert actions() == ["create", "renew"]


@pytest.mark.parametrize("change", ["delete", "renew"])
def test_answer_for_a_code_that_is_another_by_now_counts_for_nothing(change: str, ledger: Ledger) -> None:
    challenge = add(ledger)

    def ask(_name: str, _code: str) -> Outcome:
        getattr(proving, change)(ledger=ledger, domain=DOMAIN, by=None, at=NOW)
        return Outcome.FOUND

    with pytest.raises(proving.DomainGone):
        proving.verify(challenge, by=None, at=NOW, ask=ask)

    assert held() == []


def test_record_is_looked_up_daily_and_a_day_is_enough(ledger: Ledger, dns_server: DnsServer) -> None:
    verified(ledger, dns_server)
    dns_server.asked.clear()

    assert recheck(NOW + DAY - timedelta(minutes=1)) == 0
    assert dns_server.asked == []
    assert recheck(NOW + DAY) == 1
    assert dns_server.names == {NAME}
    assert recheck(NOW + DAY) == 0
    assert state(ledger).standing is Standing.VERIFIED


@pytest.mark.parametrize("value", [None, "somebody else's"])
def test_missing_record_ends_the_verification_after_the_grace(
    value: str | None, ledger: Ledger, dns_server: DnsServer
) -> None:
    verified(ledger, dns_server)
    dns_server.zone.clear()
    if value:
        dns_server.txt(NAME, value)

    for day in range(1, 8):
        recheck(NOW + day * DAY)
        assert (held(), state(ledger).standing) == ([DOMAIN], Standing.RECORD_MISSING)
    assert state(ledger).label == "Record missing since March 3, 2026"
    recheck(NOW + 8 * DAY)

    assert (held(), state(ledger, NOW + 8 * DAY).standing) == ([], Standing.LAPSED)
    assert actions() == ["create", "verify", "lapse"]
    assert recheck(NOW + 30 * DAY) == 0
    with pytest.raises(proving.CodeExpired):
        proving.verify(DomainChallenge.objects.get(), by=None, at=NOW + 8 * DAY)


def test_record_that_comes_back_is_as_if_it_had_been_there(ledger: Ledger, dns_server: DnsServer) -> None:
    challenge = verified(ledger, dns_server)
    dns_server.zone.clear()
    recheck(NOW + DAY)
    dns_server.txt(NAME, challenge.code)

    assert proving.verify(DomainChallenge.objects.get(), by=None, at=NOW + 2 * DAY) is Outcome.FOUND
    assert state(ledger).standing is Standing.VERIFIED
    dns_server.zone.clear()
    recheck(NOW + 8 * DAY)
    assert state(ledger).standing is Standing.RECORD_MISSING
    assert actions() == ["create", "verify"]


def test_name_servers_that_fail_end_nothing_and_are_asked_less_and_less_often(
    ledger: Ledger, dns_server: DnsServer
) -> None:
    verified(ledger, dns_server)
    dns_server.strange[NAME] = failing(dns.rcode.SERVFAIL)
    at, waits = NOW + DAY, []

    for _time in range(8):
        assert recheck(at) == 1
        due = DomainChallenge.objects.get().check_at
        assert due is not None
        waits.append(due - at)
        at = due

    assert [wait / timedelta(hours=1) for wait in waits] == [1, 2, 4, 8, 16, 24, 24, 24]
    assert recheck(NOW + 60 * DAY) == 1
    assert (held(), state(ledger).standing) == ([DOMAIN], Standing.VERIFIED)
    assert "answered with a failure" in state(ledger).sentence


def test_approval_needs_no_record_and_outlives_a_verification(ledger: Ledger, dns_server: DnsServer) -> None:
    verified(ledger, dns_server)
    assert proving.approve(ledger=ledger, domain=DOMAIN, by=None, at=NOW)
    assert not proving.approve(ledger=ledger, domain=DOMAIN, by=None, at=NOW)
    dns_server.zone.clear()

    recheck(NOW + DAY)
    recheck(NOW + 8 * DAY)

    assert (held(), state(ledger, NOW + 8 * DAY).standing) == ([DOMAIN], Standing.APPROVED)
    assert actions() == ["create", "verify", "approve", "lapse"]


def test_deleting_takes_domain_and_code(ledger: Ledger, dns_server: DnsServer) -> None:
    verified(ledger, dns_server)

    assert proving.delete(ledger=ledger, domain=DOMAIN, by=None, at=NOW)
    assert not proving.delete(ledger=ledger, domain=DOMAIN, by=None, at=NOW)

    assert (held(), DomainChallenge.objects.count()) == ([], 0)
    assert actions() == ["create", "verify", "destroy"]
    assert AuditEvent.objects.latest("pk").before == {"state": "verified"}
    assert recheck(NOW + DAY) == 0


def test_domain_that_an_older_version_verified_is_looked_up_once_it_has_a_record(
    ledger: Ledger, dns_server: DnsServer
) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain=DOMAIN, verified_at=NOW)

    assert (state(ledger).standing, state(ledger).is_code_good) == (Standing.UNRECORDED, False)
    challenge = proving.renew(ledger=ledger, domain=DOMAIN, by=None, at=NOW)
    assert (state(ledger).standing, state(ledger).is_code_good) == (Standing.UNRECORDED, True)
    dns_server.txt(NAME, challenge.code)
    proving.verify(challenge, by=None, at=NOW)

    assert state(ledger).standing is Standing.VERIFIED
    assert recheck(NOW + DAY) == 1


def test_renewing_what_is_looked_up_keeps_the_code_and_what_is_not_there_has_none(
    ledger: Ledger, dns_server: DnsServer
) -> None:
    code = verified(ledger, dns_server).code

    assert proving.renew(ledger=ledger, domain=DOMAIN, by=None, at=NOW).code == code
    with pytest.raises(proving.DomainGone):
        proving.renew(ledger=ledger, domain="labs.example", by=None, at=NOW)


def test_two_pages_may_wait_for_dns_and_the_third_is_told(ledger: Ledger) -> None:
    challenge = add(ledger)

    with proving._places, proving._places, pytest.raises(proving.Busy):
        proving.verify_soon(challenge, by=None, at=NOW)

    assert DomainChallenge.objects.get().checked_at is None


def test_slow_name_servers_leave_the_rest_for_the_next_minute(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        proving.verify(add(ledger, f"{number}.example"), by=None, at=NOW, ask=lambda *_asked: Outcome.FOUND)
    monkeypatch.setattr(rechecking, "BUDGET_SECONDS", -1.0)

    assert recheck(NOW + DAY) == 0
    monkeypatch.undo()
    assert rechecking.recheck(lambda: NOW + DAY, ask=lambda *_asked: Outcome.TIMEOUT) == 3
