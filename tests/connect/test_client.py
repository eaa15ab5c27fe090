"""The client against whatever may listen where the cloud should be: real sockets, hostile bytes."""

import json
import logging
import socket
from datetime import datetime, timedelta
from email.utils import format_datetime

import jwt
import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from connect import client
from connect.client import CloudClient, hurried_client
from connect.failures import (
    ClockSkew,
    CloudFailure,
    CloudRejected,
    CloudUnavailable,
    InstallationGone,
    NotAuthorized,
    RevisionConflict,
    Unavailable,
)
from connect.models import Connection
from enterprises.models import AuditEvent
from enterprises.outbound import OpenTransaction
from tests.connect.connections import answer, html, minted, problem
from tests.connect.hostile import HOLD, HostileCloud
from wire.messages import OpenSync

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SYNC = "3f1c2a9e-0000-4000-8000-000000000001"
RECEIVING = {"sync_id": SYNC, "state": "receiving"}
NOT_OURS = Unavailable.NOT_OURS


def opening() -> OpenSync:
    return OpenSync(
        sync_id=SYNC, hostname="ghes.octo.example", taken_at=timezone.now(), accounts=1, parts=1, sha256="0" * 64
    )


@pytest.fixture
def connected(hostile: HostileCloud, connection: Connection) -> Connection:
    """Connected to whatever listens there."""
    return connection


@pytest.fixture
def with_token(connected: Connection) -> Connection:
    """With a cached token, so that the first request is the one that is meant."""
    connected.token, connected.token_expires_at = "lss_cached-token", timezone.now() + timedelta(hours=1)
    connected.save()
    return connected


def failure_of_status(connection: Connection, hostile: HostileCloud, *answers: bytes) -> CloudFailure:
    hostile.answers.extend(answers)
    with CloudClient(connection, read_timeout=0.5) as cloud, pytest.raises(CloudFailure) as failure:
        cloud.status(SYNC)
    return failure.value


def test_page_does_not_wait_longer_than_a_person(
    with_token: Connection, hostile: HostileCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_OF_A_PERSON", 0.3)
    hostile.answers.append(HOLD)

    with hurried_client(with_token, None, timezone.now()) as cloud, pytest.raises(CloudUnavailable) as failure:
        cloud.delete_installation()

    assert failure.value.kind == Unavailable.TIMEOUT


UNUSABLE = {
    "sign-in page": (html(), NOT_OURS),
    "redirect to one": (html("302 Found", Location="http://portal.example/"), NOT_OURS),
    "permanent redirect": (html("308 Permanent Redirect", Location="/elsewhere"), NOT_OURS),
    "401 of a proxy": (html("401 Unauthorized"), NOT_OURS),
    "401 of a gateway": (answer({"message": "Unauthorized"}, "401 Unauthorized"), NOT_OURS),
    "403 of a proxy": (html("403 Forbidden"), NOT_OURS),
    "404 of a web server": (html("404 Not Found"), NOT_OURS),
    "404 of a gateway": (answer({"message": "no route"}, "404 Not Found"), NOT_OURS),
    "410 of a web server": (html("410 Gone"), NOT_OURS),
    "407": (html("407 Proxy Authentication Required"), Unavailable.PROXY),
    "JSON that is called text": (answer(RECEIVING, Content_Type="text/plain"), NOT_OURS),
    "JSON without any type": (answer(RECEIVING, Content_Type=""), NOT_OURS),
    "another shape": (answer([]), NOT_OURS),
    "missing fields": (answer({"state": "receiving"}), NOT_OURS),
    "unknown state": (answer(RECEIVING | {"state": "asleep"}), NOT_OURS),
    "of another sync": (answer(RECEIVING | {"sync_id": SYNC[::-1]}), NOT_OURS),
    "no JSON": (answer(b"{"), NOT_OURS),
    "nested without end": (answer(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), NOT_OURS),
    "nothing": (answer(b""), NOT_OURS),
    "no content": (answer(b"", "204 No Content"), NOT_OURS),
    "cut off": (answer(RECEIVING)[:-5], Unavailable.OTHER),
    "huge": (answer(b" " * 2_000_000), Unavailable.TOO_LARGE),
    "a length that is no number": (answer(b"{", Content_Length="#").replace(b"#", b"\xb2"), NOT_OURS),
    "a length of many digits": (answer(RECEIVING, Content_Length="9" * 5_000), Unavailable.TOO_LARGE),
    "no HTTP": (b"220 mail.example ESMTP\r\n", Unavailable.OTHER),
    "silence": (HOLD, Unavailable.TIMEOUT),
    "500 page": (html("500 Internal Server Error"), Unavailable.SERVER_ERROR),
    "502 page": (html("502 Bad Gateway"), Unavailable.SERVER_ERROR),
    "503 of the cloud": (problem("503 Service Unavailable", "busy"), Unavailable.BUSY),
    "429 page": (html("429 Too Many Requests"), Unavailable.RATE_LIMITED),
}


@pytest.mark.parametrize(("bytes_sent", "kind"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_an_unusable_answer_is_tried_later(
    with_token: Connection, hostile: HostileCloud, bytes_sent: bytes, kind: Unavailable
) -> None:
    failure = failure_of_status(with_token, hostile, bytes_sent)

    assert isinstance(failure, CloudUnavailable)
    assert failure.kind is kind
    assert len(hostile.requests) == 1


REFUSALS = {
    "gone": (problem("404 Not Found", "installation_gone"), InstallationGone),
    "unknown sync": (problem("404 Not Found", "unknown_sync"), CloudRejected),
    "conflict": (problem("409 Conflict", "revision_conflict"), RevisionConflict),
    "renamed": (problem("409 Conflict", "hostname_changed"), RevisionConflict),
    "superseded": (problem("409 Conflict", "superseded"), CloudRejected),
    "digest": (problem("422 Unprocessable Content", "digest_mismatch"), CloudRejected),
    "a code of tomorrow": (problem("422 Unprocessable Content", "brand_new"), CloudRejected),
    "too large, says a proxy": (html("413 Content Too Large"), CloudRejected),
}


@pytest.mark.parametrize(("bytes_sent", "kind"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_of_the_cloud_has_its_class(
    with_token: Connection, hostile: HostileCloud, bytes_sent: bytes, kind: type[CloudFailure]
) -> None:
    failure = failure_of_status(with_token, hostile, bytes_sent)

    assert type(failure) is kind
    assert str(failure.explanation.sentence)
    assert str(failure.explanation.next_step)


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [("7", 7.0), ("99999999", 3600.0), ("-5", None), ("soon", None), ("", None), ("²", None)],
)
def test_retry_after_is_read_within_reason(
    with_token: Connection, hostile: HostileCloud, stated: str, seconds: float | None
) -> None:
    failure = failure_of_status(with_token, hostile, problem("503 Busy", "busy", Retry_After=stated))

    assert isinstance(failure, CloudUnavailable)
    assert failure.retry_after == seconds


def test_retry_after_as_a_date_counts_from_the_answers_own(with_token: Connection, hostile: HostileCloud) -> None:
    theirs = datetime(2031, 5, 1, 12, tzinfo=timezone.get_default_timezone())
    dates = {"Date": format_datetime(theirs), "Retry_After": format_datetime(theirs + timedelta(seconds=90))}

    failure = failure_of_status(with_token, hostile, problem("503 Busy", "busy", **dates))

    assert isinstance(failure, CloudUnavailable)
    assert failure.retry_after == 90


def test_nobody_listens(connected: Connection, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        connected.cloud_url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    settings.CLOUD_URLS = [connected.cloud_url]

    with CloudClient(connected) as cloud, pytest.raises(CloudUnavailable) as failure:
        cloud.token()

    assert failure.value.kind is Unavailable.REFUSED


def test_no_tls_where_tls_is_expected(connected: Connection, hostile: HostileCloud, settings: Settings) -> None:
    hostile.answers.append(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connected.cloud_url = hostile.url.replace("http://", "https://")
    settings.CLOUD_URLS = [connected.cloud_url]

    with CloudClient(connected) as cloud, pytest.raises(CloudUnavailable) as failure:
        cloud.token()

    assert failure.value.kind is Unavailable.TLS


def test_a_token_is_kept_and_used_again(connected: Connection, hostile: HostileCloud) -> None:
    hostile.answers.extend([minted("lss_first-token"), answer(RECEIVING), answer(RECEIVING)])
    with CloudClient(connected) as cloud:
        cloud.status(SYNC)

    later = Connection.objects.get(pk=connected.pk)
    with CloudClient(later) as cloud:
        cloud.status(SYNC)

    assert later.token == "lss_first-token"
    assert [call.split()[0] for call in hostile.calls] == ["POST", "GET", "GET"]
    assert "Authorization: Bearer lss_first-token" in hostile.requests[2]
    assert AuditEvent.objects.filter(action="dotcom_connection.token_updated").count() == 1


@pytest.mark.parametrize(("minutes", "renews"), [(4, True), (6, False)])
def test_a_token_is_renewed_below_five_minutes_of_life(
    with_token: Connection, hostile: HostileCloud, minutes: int, renews: bool
) -> None:
    with_token.token_expires_at = timezone.now() + timedelta(minutes=minutes)
    hostile.answers.extend([*([minted()] if renews else []), answer(RECEIVING)])

    with CloudClient(with_token) as cloud:
        cloud.status(SYNC)

    assert len(hostile.requests) == (2 if renews else 1)


def test_one_401_renews_the_token(with_token: Connection, hostile: HostileCloud) -> None:
    unauthorized = problem("401 Unauthorized", "bad_credentials")
    hostile.answers.extend([unauthorized, minted("lss_second-token"), answer(RECEIVING)])

    with CloudClient(with_token) as cloud:
        cloud.status(SYNC)

    assert "Authorization: Bearer lss_second-token" in hostile.requests[2]
    assert Connection.objects.get(pk=with_token.pk).token == "lss_second-token"


def test_a_second_401_is_final(with_token: Connection, hostile: HostileCloud) -> None:
    unauthorized = problem("401 Unauthorized", "bad_credentials")

    failure = failure_of_status(with_token, hostile, unauthorized, minted(), unauthorized)

    assert type(failure) is NotAuthorized
    assert len(hostile.requests) == 3


def test_a_401_of_the_app_itself_is_final(connected: Connection, hostile: HostileCloud) -> None:
    failure = failure_of_status(connected, hostile, problem("401 Unauthorized", "bad_credentials"))

    assert type(failure) is NotAuthorized
    assert len(hostile.requests) == 1


BAD_TOKENS = {
    "a header in it": minted("lss_x\r\nX-Evil: 1"),
    "empty": minted(" "),
    "expired": minted(expires_at=(timezone.now() - timedelta(minutes=1)).isoformat()),
    "for ever": minted(expires_at="9999-01-01T00:00:00Z"),
    "without zone": minted(expires_at="2031-01-01T00:00:00"),
}


@pytest.mark.parametrize("bytes_sent", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_an_implausible_token_is_not_kept(connected: Connection, hostile: HostileCloud, bytes_sent: bytes) -> None:
    failure = failure_of_status(connected, hostile, bytes_sent)

    assert failure.code == NOT_OURS
    assert Connection.objects.get(pk=connected.pk).token == ""


def test_a_token_of_a_connection_that_ended_is_not_kept(connected: Connection, hostile: HostileCloud) -> None:
    hostile.answers.append(minted())
    Connection.objects.filter(pk=connected.pk).update(state=Connection.State.DISCONNECTED)

    with CloudClient(connected) as cloud:
        cloud.token()

    assert Connection.objects.get(pk=connected.pk).token == ""
    assert not AuditEvent.objects.filter(action="dotcom_connection.token_updated").exists()


def issued_at(request: str) -> float:
    bearer = request.partition("Authorization: Bearer ")[2].split("\r\n")[0]
    return float(jwt.decode(bearer, options={"verify_signature": False})["iat"])


def test_a_wrong_clock_is_corrected_once_by_the_answers_date(connected: Connection, hostile: HostileCloud) -> None:
    theirs = timezone.now() + timedelta(hours=3)
    expires_at = (theirs + timedelta(hours=1)).isoformat()
    skewed = problem("401 Unauthorized", "clock_skew", Date=format_datetime(theirs))
    hostile.answers.extend([skewed, minted(expires_at=expires_at), answer(RECEIVING)])

    with CloudClient(connected) as cloud:
        cloud.status(SYNC)

    assert issued_at(hostile.requests[1]) == pytest.approx(theirs.timestamp(), abs=5)


def test_a_clock_that_stays_wrong_is_said(connected: Connection, hostile: HostileCloud) -> None:
    skewed = problem("401 Unauthorized", "clock_skew")

    failure = failure_of_status(connected, hostile, skewed, skewed)

    assert type(failure) is ClockSkew
    assert len(hostile.requests) == 2


FAR_AWAY = {"nothing": "", "no date": "yesterday", "next year": format_datetime(timezone.now() + timedelta(days=400))}


@pytest.mark.parametrize("date", FAR_AWAY.values(), ids=FAR_AWAY.keys())
def test_nobody_gets_a_signature_for_a_far_away_time(connected: Connection, hostile: HostileCloud, date: str) -> None:
    failure = failure_of_status(connected, hostile, problem("401 Unauthorized", "clock_skew", Date=date))

    assert type(failure) is ClockSkew
    assert len(hostile.requests) == 1


@pytest.mark.parametrize("missing", [[0], [2], [-1], [10**30], [1, 1]])
def test_parts_that_do_not_exist_are_not_asked_for(
    with_token: Connection, hostile: HostileCloud, missing: list[int]
) -> None:
    hostile.answers.append(answer(RECEIVING | {"missing": missing}, "201 Created"))

    with CloudClient(with_token) as cloud, pytest.raises(CloudUnavailable) as failure:
        cloud.open_sync(opening())

    assert failure.value.kind is NOT_OURS


HELD = {"hostname": "ghes.octo.example", "revision": 2, "accounts": 5}
EXISTING = {
    "hostname": "ghes.octo.example",
    "server_id": SYNC,
    "account": "octo",
    "url": "https://cloud.example/enterprises/octo",
    "accounts": 5,
    "since": "2026-03-01T12:00:00Z",
}
NEVER = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]


@pytest.mark.parametrize(
    ("changes", "is_believed"),
    [
        ({}, True),
        *(({name: at}, False) for name in ("taken_at", "synced_at") for at in NEVER),
        ({"revision": 2**63}, False),
        ({"hostname": "a\nb"}, False),
    ],
)
def test_what_the_cloud_holds_is_believed_as_far_as_it_can_be_shown(
    with_token: Connection, hostile: HostileCloud, changes: dict[str, object], is_believed: bool
) -> None:
    body = {"message": "No.", "code": "revision_conflict", "held": HELD | changes}
    failure = failure_of_status(with_token, hostile, answer(body, "409 Conflict"))

    assert isinstance(failure, CloudRejected)
    assert (failure.held is not None) == is_believed


@pytest.mark.parametrize(
    ("changes", "is_believed"),
    [
        ({}, True),
        *(({name: at}, False) for name in ("since", "synced_at") for at in NEVER),
        ({"url": "http://["}, False),
        ({"url": "javascript:alert(1)"}, False),
    ],
)
def test_connection_in_the_way_is_believed_as_far_as_it_can_be_shown(
    with_token: Connection, hostile: HostileCloud, changes: dict[str, object], is_believed: bool
) -> None:
    body = {"message": "No.", "code": "connection_exists", "existing": EXISTING | changes}
    failure = failure_of_status(with_token, hostile, answer(body, "409 Conflict"))

    assert isinstance(failure, CloudRejected)
    assert (failure.existing is not None) == is_believed


def test_a_format_that_was_not_offered_is_refused(with_token: Connection, hostile: HostileCloud) -> None:
    failure = failure_of_status(with_token, hostile, answer(RECEIVING | {"format": 99}))

    assert failure.code == "unsupported_format"


def test_a_part_travels_with_its_digest(with_token: Connection, hostile: HostileCloud) -> None:
    hostile.answers.append(answer(RECEIVING))

    with CloudClient(with_token) as cloud:
        cloud.put_part(SYNC, 1, b"frozen")

    assert hostile.calls == [f"PUT /api/v3/enterprise-installation/license-syncs/{SYNC}/parts/1"]
    assert "Content-Digest: sha-256=:/7MEgWoQkDE+gzIVwI2uPSCc+tH/0fZ08JCaKumeE5Q=:" in hostile.requests[0]


@pytest.mark.parametrize(
    "bytes_sent", [html(), answer({}), html("302 Found", Location="/")], ids=["page", "JSON", "redirect"]
)
def test_only_an_empty_answer_confirms_a_deletion(
    connected: Connection, hostile: HostileCloud, bytes_sent: bytes
) -> None:
    hostile.answers.append(bytes_sent)

    with CloudClient(connected) as cloud, pytest.raises(CloudUnavailable):
        cloud.delete_installation()


INSTALLATION = {
    "app_id": 1,
    "installation_id": 1,
    "account": {"slug": "octo", "name": "Octo", "kind": "enterprise"},
    "receipt_keys": [{"kid": "k", "x": "1mdcN4hgnXIEP0a9Xs_7hPzPpXo9Fbg0F9HJTZVhAbs"}],
}
BAD_INSTALLATIONS = {
    "no receipt keys": {"receipt_keys": []},
    "a key that is none": {"receipt_keys": [{"kid": "k", "x": "none"}]},
    "a key id with NUL": {"receipt_keys": [{"kid": "\0", "x": INSTALLATION["receipt_keys"][0]["x"]}]},  # type: ignore[index]
    "an id out of range": {"app_id": 2**63},
    "a negative id": {"installation_id": -1},
    "a slug that is a path": {"account": {"slug": "../x", "name": "X", "kind": "enterprise"}},
    "a slug like a token": {"account": {"slug": f"ghp_{'a' * 20}", "name": "X", "kind": "enterprise"}},
    "a name with NUL": {"account": {"slug": "x", "name": "\0", "kind": "enterprise"}},
    "an unknown kind": {"account": {"slug": "x", "name": "X", "kind": "guild"}},
    "a base that is none": {"held": {"revision": 1, "snapshot_id": "none"}},
    "a base before the first": {"held": {"revision": -1, "snapshot_id": SYNC}},
}


@pytest.mark.parametrize("changes", BAD_INSTALLATIONS.values(), ids=BAD_INSTALLATIONS.keys())
def test_an_installation_that_could_not_be_kept_is_refused(
    connected: Connection, hostile: HostileCloud, changes: dict[str, object]
) -> None:
    hostile.answers.append(answer(INSTALLATION | changes, "201 Created"))

    with CloudClient(connected) as cloud, pytest.raises(CloudUnavailable) as failure:
        cloud.convert("code-of-the-cloud")

    assert failure.value.kind is NOT_OURS


def test_a_good_installation_is_taken(connected: Connection, hostile: HostileCloud) -> None:
    hostile.answers.append(answer(INSTALLATION, "201 Created"))

    with CloudClient(connected) as cloud:
        installation = cloud.convert("code-of-the-cloud")

    assert installation.account.slug == "octo"


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_during_a_request(with_token: Connection) -> None:
    with transaction.atomic(), CloudClient(with_token) as cloud, pytest.raises(OpenTransaction):
        cloud.status(SYNC)


def test_secrets_stay_out_of_logs_and_exceptions(
    connected: Connection, hostile: HostileCloud, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    unauthorized = problem("401 Unauthorized", "bad_credentials")

    failure = failure_of_status(
        connected, hostile, minted("lss_very-secret"), unauthorized, minted("lss_other"), unauthorized
    )

    written = caplog.text + repr(failure) + str(failure) + json.dumps(vars(failure), default=str)
    assert "lss_very-secret" not in written
    assert "lss_other" not in written
    assert "Bearer" not in written
