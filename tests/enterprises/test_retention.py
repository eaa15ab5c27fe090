"""What both sides keep about people goes with the beat when its time is over, and not a minute before."""

from __future__ import annotations

import io
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from cloud.beat import tick as cloud_tick
from enterprises import audit, retention, services, setup_codes
from enterprises.models import (
    ApiToken,
    AuditEvent,
    Enterprise,
    Notice,
    NoticeMail,
    SetupCode,
    SignInLink,
    StagedUpload,
    StagedUploadPiece,
    User,
)
from enterprises.uploads import KEPT_FOR, stage_upload
from licensesync.beat import tick as server_tick
from tests.factories import NOW, make_server_enterprise, make_token
from tests.support.races import race

A_MINUTE = timedelta(minutes=1)
TICKS = pytest.mark.parametrize("side", ["server", "cloud"])


def beat(at: datetime, side: str = "server") -> None:
    with time_machine.travel(at, tick=False):
        (server_tick if side == "server" else cloud_tick).apply(throw=True)


def sign_in(until: datetime) -> str:
    session = SessionStore()
    session.set_expiry(until)
    with time_machine.travel(NOW, tick=False):
        session.save()
    return str(session.session_key)


@TICKS
def test_sessions_go_when_they_expire(side: str, db: None) -> None:
    sign_in(NOW)
    later = sign_in(NOW + A_MINUTE)

    beat(NOW, side)

    assert [row.session_key for row in Session.objects.all()] == [later]


@TICKS
def test_sign_in_links_go_when_they_expire_used_or_not(side: str, owner: User) -> None:
    used = services.sign_in_link(user=owner, at=NOW)
    services.use_sign_in_link(secret=used.secret, at=NOW)
    services.sign_in_link(user=owner, at=NOW)
    later = services.sign_in_link(user=owner, at=NOW + A_MINUTE)

    beat(NOW + services.LINK_LIVES, side)

    assert [row.pk for row in SignInLink.objects.all()] == [later.link.pk]


@TICKS
def test_tokens_go_30_days_after_they_were_closed(side: str, owner: User) -> None:
    revoked, _secret = make_token(owner)
    services.revoke_api_token(token=revoked, at=NOW)
    make_token(owner, expires_at=NOW, at=NOW - A_MINUTE)
    kept = [make_token(owner)[0], make_token(owner, expires_at=NOW + A_MINUTE)[0], make_token(owner)[0]]
    services.revoke_api_token(token=kept[-1], at=NOW + A_MINUTE)

    beat(NOW + timedelta(days=30), side)

    assert set(ApiToken.objects.all()) == set(kept)


@TICKS
def test_setup_code_goes_with_the_first_owner(side: str, db: None) -> None:
    setup_codes.setup_secret(at=NOW)

    beat(NOW + timedelta(days=400), side)
    assert SetupCode.objects.exists()
    make_server_enterprise("octo", owner=User.objects.create(username="olivia"))
    beat(NOW + timedelta(days=401), side)

    assert not SetupCode.objects.exists()


@TICKS
def test_files_go_an_hour_after_their_preview(side: str, owner: User, server_enterprise: Enterprise) -> None:
    for purpose, at in (("seats", NOW), ("members", NOW + A_MINUTE)):
        stage_upload(
            enterprise=server_enterprise, purpose=purpose, stream=io.BytesIO(b"x"), name="file", by=owner, at=at
        )

    beat(NOW + KEPT_FOR, side)

    assert [row.purpose for row in StagedUpload.objects.all()] == ["members"]
    assert [row.upload.purpose for row in StagedUploadPiece.objects.select_related("upload")] == ["members"]


@TICKS
def test_audit_events_stay_for_good(side: str, server_enterprise: Enterprise) -> None:
    event = audit.record(enterprise=server_enterprise, action="test", by=None, at=NOW)

    beat(NOW + timedelta(days=5_000), side)

    assert AuditEvent.objects.filter(pk=event.pk).exists()


@TICKS
def test_notices_go_400_days_after_they_are_over(side: str, owner: User, server_enterprise: Enterprise) -> None:
    for minute in range(2):
        over = NOW + minute * A_MINUTE
        notice = Notice.objects.create(enterprise=server_enterprise, code="x", opened_at=NOW, resolved_at=over)
        NoticeMail.objects.create(notice=notice, user=owner, not_before=NOW, sent_at=NOW)

    beat(NOW + timedelta(days=400), side)

    assert Notice.objects.filter(code="x").count() == NoticeMail.objects.count() == 1


@TICKS
def test_mail_files_go_after_30_days(side: str, db: None, tmp_path: Path, settings: Settings) -> None:
    settings.EMAIL_FILE_PATH = str(tmp_path)
    for number in range(2):
        (tmp_path / f"{number}.log").touch()
        moment = (NOW + number * A_MINUTE).timestamp()
        os.utime(tmp_path / f"{number}.log", (moment, moment))

    beat(NOW + timedelta(days=30), side)

    assert [path.name for path in tmp_path.iterdir()] == ["1.log"]


def expired_sessions(count: int) -> None:
    rows = [Session(session_key=f"{number:032}", session_data="", expire_date=NOW) for number in range(count)]
    Session.objects.bulk_create(rows)


def test_statements_do_not_grow_with_the_rows(owner: User, server_enterprise: Enterprise) -> None:
    counts = []
    for rows in (1, 90):
        expired_sessions(rows)
        StagedUpload.objects.bulk_create(
            StagedUpload(
                enterprise=server_enterprise,
                by=owner,
                purpose="seats",
                name="x",
                size=0,
                created_at=NOW,
                expires_at=NOW,
            )
            for _row in range(rows)
        )
        with CaptureQueriesContext(connection) as seen:
            assert retention.run((*retention.EVERY_MINUTE, *retention.EVERY_HOUR), NOW + timedelta(days=401))
        counts.append(len(seen))
        assert not Session.objects.exists()
        assert not StagedUpload.objects.exists()

    assert counts[0] == counts[1]


def test_a_large_backlog_goes_piece_by_piece_and_minute_by_minute(db: None) -> None:
    """Each piece is a transaction of its own, and no minute has more than ten of a kind."""
    expired_sessions(retention.PIECE * retention.PIECES + 1)

    with CaptureQueriesContext(connection) as seen:
        beat(NOW)
    pieces = [query for query in seen.captured_queries if query["sql"].startswith('DELETE FROM "django_session"')]
    assert len(pieces) == retention.PIECES
    assert all("LIMIT 1000" in query["sql"] for query in pieces)
    assert Session.objects.count() == 1
    beat(NOW + A_MINUTE)

    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_do_no_harm() -> None:
    expired_sessions(3 * retention.PIECE)

    assert race(lambda _number: retention.run(retention.EVERY_HOUR, NOW)) == [True] * 8
    assert not Session.objects.exists()


def test_hourly_steps_run_once_an_hour(db: None) -> None:
    beat(NOW)
    sign_in(NOW)

    beat(NOW + A_MINUTE)
    assert Session.objects.exists()
    beat(NOW + timedelta(hours=1))

    assert not Session.objects.exists()


def test_hour_that_was_cut_short_is_done_again(db: None) -> None:
    """A worker that dies, or a step that breaks, must not cost an hour."""

    def broken(_at: datetime) -> bool:
        raise RuntimeError

    sign_in(NOW)
    with pytest.raises(RuntimeError):
        retention.run_hourly("server", (broken,), NOW)

    retention.run_hourly("server", retention.EVERY_HOUR, NOW)

    assert not Session.objects.exists()


def test_without_the_cache_it_waits(db: None, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    sign_in(NOW)
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere/valkey.sock"}}

    retention.run_hourly("server", retention.EVERY_HOUR, NOW)

    assert caplog.messages == ["The cache does not answer; what is over goes later."]
    assert Session.objects.exists()
