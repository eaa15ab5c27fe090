"""The daily look: begun by the tick, done by one worker, told to owners and by the doctor."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail

from cloud import tasks
from cloud.beat import tick
from cloud.doctor import cloud_checks
from cloud.domains import proving, rechecking
from cloud.domains.names import challenge_name
from cloud.domains.resolving import Outcome
from cloud.models import DomainChallenge, Ledger, VerifiedDomain
from cloud.notices import current
from enterprises import notice_mails
from enterprises.doctor import Status
from tests.cloud_domains.dns_server import DnsServer
from tests.factories import NOW, make_role, make_user
from tests.support.races import THREADS, race, without_condition

DOMAIN = "octo.example"
DAY = timedelta(days=1)


def verified(ledger: Ledger) -> None:
    challenge = proving.add(ledger=ledger, domain=DOMAIN, by=None, at=NOW)
    proving.verify(challenge, by=None, at=NOW, ask=lambda *_asked: Outcome.FOUND)


def look(at: datetime, outcome: Outcome) -> None:
    assert rechecking.recheck(lambda: at, ask=lambda *_asked: outcome) == 1


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_tick_has_a_worker_look(ledger: Ledger, dns_server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    verified(ledger)
    sent: list[str] = []
    monkeypatch.setattr(tasks.check_domains, "apply_async", lambda **_options: sent.append("check_domains"))

    for at in (NOW + DAY - timedelta(minutes=1), NOW + DAY):
        with time_machine.travel(at, tick=False):
            tick.apply(throw=True)
    with time_machine.travel(NOW + DAY):
        tasks.check_domains.apply(throw=True)

    assert sent == ["check_domains"]
    assert dns_server.names == {challenge_name("octo", DOMAIN)}
    assert DomainChallenge.objects.get().outcome == Outcome.NO_NAME


def test_owners_are_mailed_when_a_record_is_missing_when_it_is_over_and_when_it_is_back(ledger: Ledger) -> None:
    make_role(make_user("oskar", email="oskar@octo.example"), ledger.enterprise)
    verified(ledger)
    assert list(current(NOW)) == []

    subjects = []
    for day, outcome in ((1, Outcome.NO_NAME), (8, Outcome.OTHER_VALUE)):
        look(NOW + day * DAY, outcome)
        with time_machine.travel(NOW + day * DAY, tick=False):
            tick.apply(throw=True)
            notice_mails.deliver()
        subjects += [message.subject.partition("] ")[2] for message in mail.outbox]
        assert "http://localhost:8000/enterprises/octo/settings/domains" in mail.outbox[0].body
        mail.outbox.clear()

    assert subjects == ["The DNS record of octo.example is missing", "octo.example is not verified any more"]
    proving.delete(ledger=ledger, domain=DOMAIN, by=None, at=NOW + 9 * DAY)
    assert list(current(NOW + 9 * DAY)) == []


def test_doctor_says_a_word_where_a_record_is_missing(ledger: Ledger) -> None:
    verified(ledger)
    proving.add(ledger=ledger, domain="labs.example", by=None, at=NOW)

    def domains() -> list[tuple[Status, str, str]]:
        checks = cloud_checks(lambda: [ledger], NOW + DAY)
        return [(each.status, each.seen, each.next_step) for each in checks if each.name == "Verified domain"]

    assert domains() == []
    look(NOW + DAY, Outcome.NO_RECORD)

    [(status, seen, step)] = domains()
    assert status is Status.WARNING
    assert "octo.example: Record missing since March 3, 2026. It stays verified until March 10, 2026." in seen
    assert "The name has no TXT record." in seen
    assert step == "Publish the same record again, then verify."


def test_worker_that_died_is_followed_by_another(ledger: Ledger) -> None:
    verified(ledger)
    challenge = DomainChallenge.objects.get()
    at = NOW + DAY

    assert rechecking.claim(challenge, at)
    assert not rechecking.due(at + rechecking.LEASE - timedelta(seconds=1)).exists()
    look(at + rechecking.LEASE, Outcome.FOUND)
    assert VerifiedDomain.objects.exists()


def claims_of_eight(challenge: DomainChallenge) -> int:
    return sum(race(lambda _number: rechecking.claim(challenge, NOW + DAY), before='UPDATE "cloud_domainchallenge"'))


@pytest.fixture
def challenge(transactional_db: None, ledger: Ledger) -> DomainChallenge:
    verified(ledger)
    return DomainChallenge.objects.get()


def test_one_of_eight_workers_looks_a_domain_up(challenge: DomainChallenge) -> None:
    assert claims_of_eight(challenge) == 1


@pytest.mark.postgres
def test_without_the_condition_all_eight_do(challenge: DomainChallenge) -> None:
    with without_condition(DomainChallenge):
        assert claims_of_eight(challenge) == THREADS
