"""What a license says, until when, and who says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ValidationError

from connect.models import Server
from enterprises.models import AuditEvent
from licensesync.licenses import ExpiryLevel, expiry_of, keep_license
from licensesync.models import License
from tests.licensesync.world import make_server

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GHES = License.Source.GHES


@pytest.fixture
def server(db: None) -> Server:
    return make_server()


def keep(
    server: Server, *, source: License.Source = GHES, customer: str | None = None, seats: int | None = 50
) -> License:
    return keep_license(
        server=server,
        customer=customer,
        kind="standard",
        seats=seats,
        expires_on=date(2027, 6, 30),
        source=source,
        at=AT,
    )


@pytest.mark.parametrize(
    ("days", "level"),
    [
        (61, ExpiryLevel.NONE),
        (60, ExpiryLevel.WITHIN_60_DAYS),
        (31, ExpiryLevel.WITHIN_60_DAYS),
        (30, ExpiryLevel.WITHIN_30_DAYS),
        (7, ExpiryLevel.WITHIN_7_DAYS),
        (0, ExpiryLevel.WITHIN_7_DAYS),
        (-1, ExpiryLevel.EXPIRED),
    ],
)
def test_end_is_warned_of_60_30_and_7_days_before(days: int, level: ExpiryLevel) -> None:
    held = License(customer="Octo", expires_on=AT.date() + timedelta(days=days))

    expiry = expiry_of(held, AT)

    assert (expiry.days_left, expiry.level, expiry.is_expired) == (days, level, days < 0)


@pytest.mark.parametrize("held", [None, License(customer="Octo")])
def test_license_without_an_end_never_expires(held: License | None) -> None:
    expiry = expiry_of(held, AT)

    assert (expiry.days_left, expiry.level) == (None, ExpiryLevel.NONE)


def test_days_are_those_of_utc_whatever_zone_the_moment_is_told_in() -> None:
    held = License(customer="Octo", expires_on=AT.date())
    tomorrow_there = AT.replace(hour=23).astimezone(timezone(timedelta(hours=9)))

    assert expiry_of(held, tomorrow_there).days_left == 0


@pytest.mark.django_db
def test_what_ghes_says_keeps_the_customer_that_only_the_form_knows(server: Server) -> None:
    keep(server, source=License.Source.FORM, customer="Octo Industries", seats=10)

    held = keep(server, seats=None)

    assert (held.customer, held.seats, held.source, held.read_at) == ("Octo Industries", None, GHES, AT)
    audited = AuditEvent.objects.filter(action="license.update").latest("pk")
    assert audited.before is not None
    assert audited.before["seats"] == 10
    assert audited.after is not None
    assert audited.after["source"] == "ghes"


@pytest.mark.django_db
def test_what_is_read_again_unchanged_is_not_audited_again(server: Server) -> None:
    keep(server)

    keep_license(
        server=server, kind="standard", seats=50, expires_on=date(2027, 6, 30), source=GHES, at=AT + timedelta(days=1)
    )

    assert AuditEvent.objects.filter(action="license.update").count() == 1
    assert License.objects.get().read_at == AT + timedelta(days=1)


@pytest.mark.django_db
@pytest.mark.parametrize("customer", ["", "https://octo:secret@ghes.example"])
def test_person_names_a_customer_and_no_credential(server: Server, customer: str) -> None:
    with pytest.raises(ValidationError, match="customer"):
        keep(server, source=License.Source.FORM, customer=customer)
