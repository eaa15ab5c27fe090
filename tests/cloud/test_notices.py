"""What a cloud account's owner is mailed: a server that stays away, and licenses that run out."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from cloud import services
from cloud.beat import tick
from cloud.models import Installation, Ledger
from cloud.notices import current
from enterprises import notice_mails
from tests.cloud.books import connect
from tests.factories import NOW, make_role, make_user

LATE = NOW + timedelta(days=8, minutes=1)


@pytest.mark.parametrize("synced", [True, False])
def test_server_that_stays_away(synced: bool, ledger: Ledger) -> None:
    server = connect(ledger, "ghe.octo.example")
    Installation.objects.filter(pk=server.pk).update(last_sync_at=NOW if synced else None, created_at=NOW)

    assert list(current(NOW + timedelta(days=8))) == []
    assert [(cause.code, cause.key) for cause in current(LATE)] == [("server_stale", str(server.pk))]
    services.disconnect_installation(installation=server, by=None, at=LATE)
    assert list(current(LATE)) == []


@pytest.mark.parametrize(("purchased", "expected"), [(0, []), (112, []), (111, [1]), (101, [1]), (100, [2]), (99, [2])])
def test_licenses_that_run_out(purchased: int, expected: list[int], ledger: Ledger) -> None:
    Ledger.objects.filter(pk=ledger.pk).update(consumed=100, seats_purchased=purchased)

    assert [cause.stage for cause in current(NOW)] == expected


def test_tick_mails_owners(ledger: Ledger) -> None:
    make_role(make_user("oskar", email="oskar@octo.example"), ledger.enterprise)
    Ledger.objects.filter(pk=ledger.pk).update(consumed=1_000, seats_purchased=1_000)
    Installation.objects.filter(pk=connect(ledger, "ghe.octo.example").pk).update(last_sync_at=NOW, created_at=NOW)

    with time_machine.travel(LATE, tick=False):
        tick.apply(throw=True)
        notice_mails.deliver()

    texts = {message.subject.partition("] ")[2]: message.body for message in mail.outbox}
    assert texts.keys() == {
        "All purchased licenses are consumed",
        "ghe.octo.example has not synced for more than 8 days",
    }
    assert "1,000 of 1,000 purchased licenses are consumed." in texts["All purchased licenses are consumed"]
    assert all("http://localhost:8000/enterprises/" in text for text in texts.values())
