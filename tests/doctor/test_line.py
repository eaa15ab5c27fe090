"""What the doctor sees of a cloud, from listeners that really misbehave."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pytest_django import Settings

from enterprises.doctor import Check, Status, side_by_side
from enterprises.log_context import lines_carry, log_context
from licensesync.line_checks import line_checks
from tests.doctor import listeners

pytestmark = pytest.mark.allow_hosts(["127.0.0.1", "::1"])


@pytest.fixture(autouse=True)
def _one_cloud(settings: Settings) -> None:
    settings.HTTPS_PROXY = settings.NO_PROXY = settings.CA_BUNDLE = ""


def look(url: str, settings: Settings) -> dict[str, Check]:
    settings.CLOUD_URLS = [url]
    return {check.name: check for check in line_checks(url, [])}


def test_a_cloud_that_is_well(settings: Settings) -> None:
    with listeners.cloud() as url:
        found = look(url, settings)

    statuses = {name: check.status for name, check in found.items()}
    assert statuses == {
        "Proxy": Status.OK,
        "Name resolution": Status.OK,
        "Certificate": Status.NOT_APPLICABLE,
        "Reachability": Status.OK,
        "License sync cloud": Status.OK,
        "Clock": Status.OK,
        "Credentials": Status.NOT_APPLICABLE,
    }


def test_a_refused_port(settings: Settings) -> None:
    found = look(listeners.refused_port(), settings)

    assert found["Reachability"].status == Status.FAILED
    assert "does not accept connections" in found["Reachability"].seen
    assert "CLOUD_URLS" in found["Reachability"].next_step


def test_an_unknown_name(settings: Settings) -> None:
    found = look("https://cloud.invalid", settings)

    assert found["Name resolution"].status == Status.FAILED
    assert "cloud.invalid" in found["Name resolution"].seen
    assert list(found) == ["Proxy", "Name resolution"]


def test_a_proxy_of_which_no_password_is_shown(settings: Settings) -> None:
    settings.HTTPS_PROXY = "http://octo:planted-password@proxy.invalid:3128"

    found = look("https://cloud.invalid", settings)

    assert "proxy.invalid:3128" in found["Proxy"].seen
    assert "proxy.invalid" in found["Name resolution"].seen
    assert not any("planted" in check.seen + check.next_step for check in found.values())


def test_a_certificate_of_a_private_authority(settings: Settings, tmp_path: Path) -> None:
    context, authority = listeners.certificate(tmp_path)
    settings.CA_BUNDLE = str(authority)

    with listeners.cloud(context=context) as url:
        found = look(url, settings)

    assert found["Certificate"].status == Status.OK
    assert "Octo Private CA" in found["Certificate"].seen


def test_a_certificate_of_nobody_we_trust(settings: Settings, tmp_path: Path) -> None:
    context, _authority = listeners.certificate(tmp_path)

    with listeners.cloud(context=context) as url:
        found = look(url, settings)

    assert found["Certificate"].status == Status.FAILED
    assert "unable to get local issuer certificate" in found["Certificate"].seen
    assert "CA_BUNDLE" in found["Certificate"].next_step


@pytest.mark.parametrize(
    ("days", "host", "reason"),
    [(-2, "127.0.0.1", "certificate has expired"), (90, "127.0.0.2", "IP address mismatch")],
)
def test_a_certificate_that_is_wrong(settings: Settings, tmp_path: Path, days: int, host: str, reason: str) -> None:
    context, authority = listeners.certificate(tmp_path, days=days, host=host)
    settings.CA_BUNDLE = str(authority)

    with listeners.cloud(context=context) as url:
        found = look(url, settings)

    assert found["Certificate"].status == Status.FAILED
    assert reason in found["Certificate"].seen


def test_a_certificate_that_ends_soon(settings: Settings, tmp_path: Path) -> None:
    context, authority = listeners.certificate(tmp_path, days=5)
    settings.CA_BUNDLE = str(authority)

    with listeners.cloud(context=context) as url:
        found = look(url, settings)

    assert found["Certificate"].status == Status.WARNING


@pytest.mark.parametrize("status", [200, 401, 404])
def test_a_page_of_the_network_is_no_cloud(settings: Settings, status: int) -> None:
    with listeners.cloud(status=status, body=listeners.SIGN_IN, kind="text/html") as url:
        found = look(url, settings)

    assert found["Reachability"].status == Status.OK
    assert found["License sync cloud"].status == Status.FAILED
    assert "Credentials" not in found


@pytest.mark.parametrize(
    ("ahead", "status", "word"),
    [
        (timedelta(minutes=10), Status.WARNING, "behind"),
        (timedelta(minutes=-10), Status.WARNING, "ahead"),
        (timedelta(days=3), Status.FAILED, "behind"),
    ],
)
def test_a_wrong_clock(settings: Settings, ahead: timedelta, status: Status, word: str) -> None:
    with listeners.cloud(ahead=ahead) as url:
        found = look(url, settings)

    assert found["Clock"].status == status
    assert word in found["Clock"].seen


def test_silence(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("licensesync.line_checks.READ_SECONDS", 0.3)

    with listeners.silent() as url:
        found = look(url, settings)

    assert found["Reachability"].status == Status.FAILED
    assert "did not answer in time" in found["Reachability"].seen


def test_what_never_ends_holds_up_neither_the_others_nor_the_doctor(settings: Settings) -> None:
    is_over = threading.Event()

    def never() -> Iterator[Check]:
        yield Check(about="dead", name="Proxy", status=Status.OK, seen="Seen.")
        is_over.wait(60)

    with listeners.cloud() as url:
        settings.CLOUD_URLS = [url]
        found = side_by_side({url: partial(line_checks, url, []), "dead": never}, seconds=5)
    late = not is_over.is_set()
    is_over.set()

    assert late
    assert [check.name for check in found if check.about == "dead"] == ["Proxy", "Time"]
    assert "Clock" in {check.name for check in found if check.about == url}


def test_a_check_that_breaks_is_a_finding(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Iterator[Check]:
        yield Check(about="cloud", name="Proxy", status=Status.OK, seen="Seen.")
        raise RuntimeError

    found = side_by_side({"cloud": broken}, seconds=30)

    assert [(check.name, check.status) for check in found] == [("Proxy", Status.OK), ("Doctor", Status.FAILED)]
    assert "A check of the doctor broke." in caplog.text


def test_lines_of_a_check_belong_to_the_request_that_asked_for_it() -> None:
    def says() -> Iterator[Check]:
        yield Check(about="cloud", name="Proxy", status=Status.OK, seen=str(log_context().get("request_id")))

    with lines_carry(request_id="request-1"):
        found = side_by_side({"cloud": says}, seconds=30)

    assert [check.seen for check in found] == ["request-1"]
