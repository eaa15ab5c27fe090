"""The cloud's pages in a real browser: filled, empty, in both themes and languages, narrow, without JavaScript."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from cloud.domains.proving import add
from cloud.models import ConsumedLicense, Installation, Ledger
from cloud.services import open_ledger
from cloud.statements import make_now
from enterprises.models import Enterprise, User
from tests.cloud_api.servers import FakeServer
from tests.cloud_pages.scenes import EXAMPLE, fill
from tests.factories import NOW, make_cloud_enterprise, make_user
from tests.support.axe import assert_accessible, assert_no_horizontal_overflow
from tests.support.browser import Pages

pytestmark = pytest.mark.usefixtures("octo")


@pytest.fixture
def octo(transactional_db: None) -> Ledger:
    """The contested example, and beside it an account without anybody."""
    olivia = make_user("olivia")
    open_ledger(enterprise=make_cloud_enterprise("empty", owner=olivia), at=NOW)
    ledger = open_ledger(enterprise=make_cloud_enterprise("octo", owner=olivia), seats_purchased=20, at=NOW)
    fill(ledger)
    make_now(ledger=ledger, by=olivia, at=NOW)
    add(ledger=ledger, domain="octo.example", by=olivia, at=timezone.now())
    return ledger


@pytest.fixture(params=["en-light", "fr-dark"])
def reader(request: pytest.FixtureRequest, pages: Pages, live_server: LiveServer) -> Iterator[Page]:
    """Signed in, in English and light, then in French and dark."""
    language, theme = request.param.split("-")
    yield from _signed_in(pages, live_server, locale=language, theme=theme)


@pytest.fixture
def bare(pages: Pages, live_server: LiveServer) -> Iterator[Page]:
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


def _is_dark(page: Page) -> bool:
    is_dark: bool = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    return is_dark


def _addresses() -> list[str]:
    bob = ConsumedLicense.objects.get(label="bob").pk
    dora = ConsumedLicense.objects.get(label="dora").pk
    ghes1 = Installation.objects.get(hostname="ghes1.octo.example").pk
    return [
        "/",
        "/enterprises/octo/licensing",
        "/enterprises/octo/licensing/seats",
        f"/enterprises/octo/licensing/instances/{ghes1}/remove",
        "/enterprises/octo/licensing/statements",
        "/enterprises/empty/licensing/statements",
        "/enterprises/octo/people",
        "/enterprises/octo/people?q=nobody-of-that-name",
        f"/enterprises/octo/people/{bob}",
        f"/enterprises/octo/people/{dora}",
        f"/enterprises/octo/people/{dora}/data",
        "/enterprises/octo/settings/addresses",
        "/enterprises/octo/settings/members",
        "/enterprises/octo/licensing/doctor",
        "/enterprises/octo/settings/domains",
        "/enterprises/octo/settings/domains/new?domain=gmail.com",
        "/enterprises/octo/settings/domains/octo.example",
        "/enterprises/octo/settings/domains/octo.example/delete",
        "/enterprises/empty/licensing",
        "/enterprises/empty/people",
        "/enterprises/octo/nothing-here",
    ]


def test_every_page_is_accessible_and_fits(reader: Page) -> None:
    """All of each page in English, and in French and dark what differs there: colors, and how wide words are."""
    for address in _addresses():
        reader.goto(address)

        assert_accessible(reader, only_colors=_is_dark(reader))
        assert_no_horizontal_overflow(reader)


def test_consent_is_accessible_and_fits(reader: Page) -> None:
    reader.goto(f"/enterprise-installations/new?state=s&manifest={FakeServer().manifest()}")

    assert_accessible(reader)
    assert_no_horizontal_overflow(reader)


def test_members_are_imported_without_javascript(bare: Page, tmp_path: Path) -> None:
    file = tmp_path / "members.ndjson"
    file.write_bytes((EXAMPLE / "members.ndjson").read_bytes().replace(b'"login": "ana"', b'"login": "anna"'))
    bare.goto("/enterprises/octo/settings/members")

    bare.locator("input[type=file]").set_input_files(file)
    bare.get_by_role("button", name="Preview").click()
    expect(bare.get_by_role("main")).to_contain_text("Changed, among them: anna")
    bare.get_by_role("button", name="Apply").click()

    expect(bare.get_by_role("main")).to_contain_text("The members were imported")
    assert ConsumedLicense.objects.filter(label="anna").exists()


def test_a_bad_file_says_which_line(bare: Page, tmp_path: Path) -> None:
    file = tmp_path / "members.ndjson"
    file.write_text(json.dumps({"id": 1, "login": "mona"}) + "\nnonsense\n")
    bare.goto("/enterprises/octo/settings/members")

    bare.locator("input[type=file]").set_input_files(file)
    bare.get_by_role("button", name="Preview").click()

    expect(bare.get_by_role("alert")).to_contain_text("Line 2")


def test_the_list_is_reached_by_keyboard_alone(reader: Page) -> None:
    reader.goto("/enterprises/octo/people")

    reader.keyboard.press("Tab")
    reader.keyboard.press("Enter")
    reader.get_by_role("searchbox").focus()
    reader.keyboard.type("ghes1.octo.example:2")
    reader.keyboard.press("Enter")
    reader.get_by_role("link", name="bob", exact=True).focus()
    reader.keyboard.press("Enter")

    expect(reader.get_by_role("heading", level=1)).to_have_text("bob")


@pytest.mark.parametrize("reader", ["fr-dark"], indirect=True)
def test_history_is_read_by_keyboard_and_its_lines_are_hidden_by_name(reader: Page) -> None:
    reader.goto("/enterprises/octo/licensing")
    chart = reader.locator(".Chart-canvas")
    words = [chart.get_attribute("aria-valuetext")]

    for key in ("Home", "ArrowRight", "End"):
        chart.press(key)
        words.append(chart.get_attribute("aria-valuetext"))
    reader.locator(".Chart-key--purchased").press("Enter")
    words.append(chart.get_attribute("aria-valuetext"))

    assert len({*words}) == 4
    assert words[0] == words[3]
    assert [" 25" in (word or "") for word in words] == [True] * 5
    assert [" 20" in (word or "").replace(" 2026", "") for word in words] == [True] * 4 + [False]


def test_history_is_a_table_without_javascript(bare: Page) -> None:
    bare.goto("/enterprises/octo/licensing?range=all")
    expect(bare.locator(".Chart")).to_be_hidden()

    bare.get_by_text("As a table").click()
    bare.get_by_label("History of a server").select_option("ghes1.octo.example")
    bare.get_by_role("button", name="Show").click()

    expect(bare.get_by_role("link", name="All", exact=True)).to_have_attribute("aria-current", "true")
    bare.get_by_text("ghes1.octo.example as a table").click()
    expect(bare.get_by_role("row", name="March 2, 2026 15 6", exact=True)).to_be_visible()


def test_removing_a_server_asks_and_then_recounts(bare: Page) -> None:
    bare.goto("/enterprises/octo/licensing")

    bare.get_by_role("link", name="Remove ghes2.octo.example").click()
    expect(bare.get_by_role("main")).to_contain_text("Consumed licenses go from 25 to")
    bare.get_by_role("button", name="Remove this instance").click()

    expect(bare.get_by_role("main")).to_contain_text("ghes2.octo.example and its people were removed: ")
    assert Enterprise.objects.get(slug="octo").ledger.installations.count() == 1
