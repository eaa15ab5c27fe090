"""The Doctor page of both sides in a real browser: reached from the navigation, accessible, and without JavaScript."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from cloud.models import Installation
from enterprises.models import User
from tests.factories import make_user
from tests.support.axe import assert_accessible, assert_no_horizontal_overflow
from tests.support.browser import Pages
from tests.support.line import connect, make_ledger, make_server


@pytest.fixture
def olivia(transactional_db: None, live_server: LiveServer, settings: Settings) -> User:
    """Owns a server and the cloud account that it is connected to; the cloud is this very console."""
    olivia = make_user("olivia")
    account = make_ledger("octo", owner=olivia).enterprise
    server = make_server("octo-server", owner=olivia)
    connection = connect(server, account, owner=olivia)
    settings.CLOUD_URLS = [live_server.url]
    settings.BASE_URL = live_server.url
    connection.cloud_url = live_server.url
    connection.save()
    Installation.objects.update(last_sync_at=timezone.now(), last_status="success")
    return olivia


@pytest.fixture(params=["en-light-1280", "fr-dark-320"])
def reader(request: pytest.FixtureRequest, pages: Pages, live_server: LiveServer, olivia: User) -> Iterator[Page]:
    """Signed in; in English and light, then in French, dark and narrow."""
    language, theme, width = request.param.split("-")
    User.objects.update(language=language, theme=theme)
    yield from _signed_in(pages, live_server, olivia, width=int(width))


@pytest.fixture
def bare(pages: Pages, live_server: LiveServer, olivia: User) -> Iterator[Page]:
    """Signed in, without JavaScript."""
    yield from _signed_in(pages, live_server, olivia, has_javascript=False)


def _signed_in(
    pages: Pages, live_server: LiveServer, user: User, *, width: int = 1280, has_javascript: bool = True
) -> Iterator[Page]:
    client = Client()
    client.force_login(user)
    with pages.fresh(locale="en", has_javascript=has_javascript, base_url=live_server.url) as page:
        page.set_viewport_size({"width": width, "height": 900})
        # The checks themselves take up to ten seconds.
        page.set_default_timeout(30_000)
        page.context.add_cookies(
            [{"name": name, "value": morsel.value, "url": live_server.url} for name, morsel in client.cookies.items()]
        )
        yield page


@pytest.mark.parametrize("address", ["/enterprises/octo-server/settings/doctor", "/enterprises/octo/licensing/doctor"])
def test_the_page_is_accessible_before_and_after_the_checks(reader: Page, address: str) -> None:
    reader.goto(address)
    assert_accessible(reader)

    reader.locator("main form button[type=submit]").click()
    expect(reader.locator("main h2").first).to_be_visible()

    assert_accessible(reader)
    assert_no_horizontal_overflow(reader)


def test_an_owner_finds_the_servers_doctor_without_javascript(bare: Page) -> None:
    bare.goto("/enterprises/octo-server/settings/license")

    bare.get_by_role("link", name="Doctor").click()
    bare.get_by_role("button", name="Run the checks").click()

    main = bare.get_by_role("main")
    expect(main).to_contain_text("The cloud accepts the App key of ghes.octo.example.")
    expect(main).to_contain_text("Both clocks agree")
    expect(main).to_contain_text("Import the seats of this server.")


def test_an_owner_finds_the_clouds_doctor_without_javascript(bare: Page) -> None:
    bare.goto("/enterprises/octo/licensing")

    bare.get_by_role("link", name="Doctor").click()
    bare.get_by_role("button", name="Run the checks").click()

    expect(bare.get_by_role("main")).to_contain_text("It was last heard on")
