"""Add server usage in a real browser: dropped and on its way, by form alone, in both themes and languages, narrow."""

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cloud import applying, usage_files
from cloud.models import Intake, Ledger, ServerAccount
from cloud.services import open_ledger
from enterprises.models import User
from tests.factories import NOW, make_cloud_enterprise, make_user
from tests.support.axe import assert_accessible, assert_no_horizontal_overflow
from tests.support.browser import Pages
from tests.support.usage_files import FileServer, lines_for

URL = "/enterprises/octo/licensing/usage"
MANY = [(number, f"mona{number}@octo.example") for number in range(1, 60)]

DATA_TRANSFER = """
(text) => { const data = new DataTransfer(); data.items.add(new File([text], 'usage.json')); return data; }
"""
ON_ITS_WAY = "() => { const bar = document.querySelector('progress'); return bar.value > 0 && bar.value < 100; }"


@pytest.fixture
def ledger(transactional_db: None) -> Ledger:
    """The empty books of octo, which olivia owns."""
    return open_ledger(enterprise=make_cloud_enterprise("octo", owner=make_user("olivia")), at=NOW)


@pytest.fixture
def far() -> FileServer:
    """A server that reports by file, with a list that is too old."""
    return FileServer(taken_at=timezone.now() - timedelta(days=9))


@pytest.fixture(params=["en-light", "fr-dark"])
def reader(request: pytest.FixtureRequest, ledger: Ledger, pages: Pages, live_server: LiveServer) -> Iterator[Page]:
    """Signed in, in English and light, then in French and dark."""
    language, theme = request.param.split("-")
    yield from _signed_in(pages, live_server, locale=language, theme=theme)


@pytest.fixture
def bare(ledger: Ledger, pages: Pages, live_server: LiveServer) -> Iterator[Page]:
    """Signed in, without JavaScript."""
    yield from _signed_in(pages, live_server, has_javascript=False)


def _signed_in(
    pages: Pages, live_server: LiveServer, *, locale: str = "en", theme: str = "light", has_javascript: bool = True
) -> Iterator[Page]:
    client = Client()
    client.force_login(User.objects.get(username="olivia"))
    with pages.fresh(locale=locale, has_javascript=has_javascript, base_url=live_server.url) as page:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.context.add_cookies(
            [{"name": name, "value": morsel.value, "url": live_server.url} for name, morsel in client.cookies.items()]
        )
        yield page


def _work() -> None:
    for intake in Intake.objects.filter(state=Intake.State.APPLYING):
        applying.apply(intake.pk, timezone.now)


def _bring(ledger: Ledger, far: FileServer, accounts: list[tuple[int, str]], *, cut: int = 0) -> Intake:
    """A file of a server that is registered for it, read by a worker."""
    body = far.file(lines_for(accounts))
    intake = usage_files.upload(
        ledger=ledger,
        stream=io.BytesIO(body[: len(body) - cut]),
        name="usage.json",
        by=User.objects.get(username="olivia"),
        at=timezone.now(),
        fingerprint=far.fingerprint,
        allow_rename=True,
    )
    _work()
    intake.refresh_from_db()
    return intake


def _apply(intake: Intake) -> None:
    usage_files.apply_upload(intake=intake, by=None, at=timezone.now())
    _work()


@pytest.mark.parametrize("reader", ["en-light"], indirect=True)
def test_dropped_file_shows_its_way_and_leads_to_the_registration(reader: Page, far: FileServer) -> None:
    said: list[str] = []
    reader.on("console", lambda message: said.append(message.text))
    reader.on("pageerror", lambda error: said.append(str(error)))
    reader.goto(URL)
    body = far.file(lines_for([(number, f"mona{number}@octo.example") for number in range(1, 10_000)]))
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}
    reader.context.new_cdp_session(reader).send("Network.emulateNetworkConditions", slow)

    data = reader.evaluate_handle(DATA_TRANSFER, body.decode())
    reader.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": data})
    reader.get_by_role("button", name="Send and preview").click()
    reader.wait_for_function(ON_ITS_WAY)
    expect(reader.get_by_role("status").filter(has_text="The file is being sent.")).to_have_count(1)

    expect(reader.get_by_role("heading", level=1)).to_have_text("Register the server")
    expect(reader.get_by_text(far.fingerprint).first).to_be_visible()
    assert said == []


@pytest.mark.parametrize("reader", ["en-light"], indirect=True)
def test_refused_file_is_said_in_place_and_another_can_be_sent(reader: Page, far: FileServer, tmp_path: Path) -> None:
    packed, good = tmp_path / "usage.zip", tmp_path / "usage.json"
    packed.write_bytes(b"PK\x03\x04" + bytes(100))
    good.write_bytes(far.file(lines_for(MANY)))
    reader.goto(URL)

    reader.locator("input[type=file]").set_input_files(packed)
    reader.get_by_role("button", name="Send and preview").press("Enter")
    expect(reader.locator(".errorlist")).to_contain_text("This is a packed file.")
    expect(reader.locator("input[type=file]")).to_be_focused()
    reader.locator("input[type=file]").set_input_files(good)
    reader.get_by_role("button", name="Send and preview").press("Enter")

    expect(reader.get_by_role("heading", level=1)).to_have_text("Register the server")


@pytest.mark.parametrize("reader", ["en-light"], indirect=True)
def test_cancelled_file_stays_where_it_is(reader: Page, far: FileServer, tmp_path: Path) -> None:
    file = tmp_path / "usage.json"
    file.write_bytes(far.file(lines_for([(number, "") for number in range(1, 50_000)])))
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000}
    reader.goto(URL)
    reader.context.new_cdp_session(reader).send("Network.emulateNetworkConditions", slow)
    reader.locator("input[type=file]").set_input_files(file)

    reader.get_by_role("button", name="Send and preview").click()
    reader.get_by_role("button", name="Cancel").click()

    expect(reader.get_by_role("button", name="Send and preview")).to_be_visible()
    expect(reader.locator("progress")).to_be_hidden()
    assert not Intake.objects.exists()


def test_file_goes_all_the_way_without_javascript(bare: Page, far: FileServer, tmp_path: Path) -> None:
    file = tmp_path / "usage.json"
    file.write_bytes(far.file(lines_for(MANY)))
    bare.goto(URL)

    bare.locator("input[type=file]").set_input_files(file)
    bare.get_by_role("button", name="Send and preview").click()
    bare.get_by_label("I have compared it").check()
    bare.get_by_role("button", name="Register and preview").click()
    _work()
    bare.get_by_role("link", name="Refresh to see where it stands.").click()
    bare.get_by_role("button", name="Apply").click()
    _work()
    bare.get_by_role("link", name="Refresh to see where it stands.").click()
    with bare.expect_download() as receipt:
        bare.get_by_role("link", name="Download the receipt").click()

    assert receipt.value.suggested_filename == f"receipt-{far.hostname}-r1.json"
    assert ServerAccount.objects.count() == len(MANY)


@pytest.mark.parametrize("reader", ["en-light"], indirect=True)
def test_preview_appears_by_itself(reader: Page, ledger: Ledger, far: FileServer) -> None:
    olivia, stream = User.objects.get(username="olivia"), far.stream(lines_for(MANY))
    now, key = timezone.now(), far.fingerprint
    intake = usage_files.upload(ledger=ledger, stream=stream, name="u.json", by=olivia, at=now, fingerprint=key)
    reader.goto(f"{URL}/{intake.pk}")
    expect(reader.get_by_text("The file is being read.").first).to_be_visible()

    _work()

    expect(reader.get_by_text("Would come")).to_be_visible()
    expect(reader.get_by_role("status").filter(has_text="waits for an owner's decision")).to_have_count(1)


def test_every_state_is_accessible_and_fits(reader: Page, ledger: Ledger, far: FileServer) -> None:
    first = _bring(ledger, far, MANY)
    _apply(first)
    far.unanswered, far.taken_at = (str(first.snapshot_id),), timezone.now() - timedelta(days=8, hours=1)
    broken = _bring(ledger, far, MANY, cut=40)
    far.hostname = f"{'renamed-' * 7}server.octo.example"
    ready = _bring(ledger, far, MANY[:1])

    for address in (URL, *(f"{URL}/{one.pk}" for one in (first, broken, ready)), "/enterprises/octo/licensing"):
        for width in (1280, 320):
            reader.set_viewport_size({"width": width, "height": 800})
            reader.goto(address)
            assert_accessible(reader)
            assert_no_horizontal_overflow(reader)
    assert reader.goto(f"{URL}/{ready.pk}") is not None
    expect(reader.get_by_role("checkbox")).to_have_count(2)


def test_registration_is_accessible_and_fits(reader: Page, ledger: Ledger, far: FileServer) -> None:
    with pytest.raises(usage_files.UnknownServer) as unknown:
        usage_files.upload(
            ledger=ledger,
            stream=far.stream(lines_for(MANY)),
            name="usage.json",
            by=User.objects.get(username="olivia"),
            at=timezone.now(),
        )
    assert unknown.value.staged is not None
    for width in (1280, 320):
        reader.set_viewport_size({"width": width, "height": 800})
        reader.goto(f"{URL}/register/{unknown.value.staged.pk}")

        assert_accessible(reader)
        assert_no_horizontal_overflow(reader)
