"""The people's pages in a real browser: sign-in, codes behind the # of an address, setup, home, preferences."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from enterprises.models import User
from enterprises.services import sign_in_link
from enterprises.setup_codes import setup_secret
from tests.factories import PASSWORD, make_server_enterprise, make_user
from tests.support.axe import assert_accessible, assert_no_horizontal_overflow


@pytest.fixture
def olivia(transactional_db: None) -> User:
    user = make_user("olivia")
    make_server_enterprise("octo", owner=user)
    return user


def assert_good(page: Page) -> None:
    """Accessible in both themes, and no wider than a narrow telephone."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        assert_accessible(page, only_colors=theme == "dark")
    assert_no_horizontal_overflow(page)


def press(page: Page, text: str) -> None:
    page.get_by_role("main").get_by_role("button", name=text).click()


def test_password_signs_in_and_the_menu_signs_out(page: Page, live_server: LiveServer, olivia: User) -> None:
    page.goto(f"{live_server.url}/")
    assert_good(page)
    page.get_by_label("Username").fill("olivia")
    page.get_by_label("Password").fill("wrong")
    press(page, "Sign in")
    assert_good(page)

    page.get_by_label("Password").fill(PASSWORD)
    press(page, "Sign in")
    expect(page.get_by_role("heading", name="Your enterprises")).to_be_visible()
    assert_good(page)

    page.locator("summary.Menu-avatar").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{live_server.url}/account/sign-in")


def test_audit_log_is_filtered_by_keyboard(page: Page, live_server: LiveServer, olivia: User) -> None:
    page.goto(f"{live_server.url}/account/link#{sign_in_link(user=olivia, at=timezone.now()).secret}")
    press(page, "Sign in")
    page.goto(f"{live_server.url}/enterprises/octo/settings/audit-log")
    expect(page.get_by_role("row")).to_have_count(3)
    assert_good(page)

    page.get_by_label("What").select_option("business.add_admin")
    page.get_by_label("Who", exact=True).fill("system")
    page.keyboard.press("Enter")
    expect(page).to_have_url(
        f"{live_server.url}/enterprises/octo/settings/audit-log?actor=system&action=business.add_admin&since=&until="
    )
    expect(page.get_by_role("row")).to_have_count(2)
    with page.expect_download() as kept:
        page.get_by_role("link", name="Export as NDJSON").click()
    assert '"action": "business.add_admin"' in kept.value.path().read_text()


def test_link_moves_its_code_into_the_form(page: Page, live_server: LiveServer, olivia: User) -> None:
    secret = sign_in_link(user=olivia, at=timezone.now()).secret

    page.goto(f"{live_server.url}/account/link#{secret}")
    expect(page.get_by_label("One-time code")).to_have_value(secret)
    expect(page).to_have_url(f"{live_server.url}/account/link")
    assert_good(page)

    press(page, "Sign in")
    expect(page.get_by_role("heading", name="Your enterprises")).to_be_visible()


def test_first_owner_sets_up(page: Page, live_server: LiveServer, transactional_db: None) -> None:
    page.goto(f"{live_server.url}/setup#{setup_secret()}")
    assert_good(page)

    page.get_by_label("Username").fill("olivia")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Enterprise Cloud").check()
    page.get_by_label("Name of the enterprise").fill("Octo Inc.")
    page.get_by_label("Short name in addresses").fill("octo")
    press(page, "Create the owner and the enterprise")

    expect(page.get_by_role("link", name="Octo Inc.")).to_be_visible()


def test_preferences_and_password(page: Page, live_server: LiveServer, olivia: User) -> None:
    secret = sign_in_link(user=olivia, at=timezone.now()).secret
    page.goto(f"{live_server.url}/account/link#{secret}")
    press(page, "Sign in")

    page.goto(f"{live_server.url}/account/preferences")
    assert_good(page)
    page.get_by_label("Theme").select_option("dark")
    press(page, "Save")
    expect(page.locator("html")).to_have_attribute("data-color-mode", "dark")
    assert_good(page)

    page.goto(f"{live_server.url}/account/password")
    assert_good(page)


def test_token_is_shown_once_and_the_api_described(page: Page, live_server: LiveServer, olivia: User) -> None:
    secret = sign_in_link(user=olivia, at=timezone.now()).secret
    page.goto(f"{live_server.url}/account/link#{secret}")
    press(page, "Sign in")

    page.goto(f"{live_server.url}/account/tokens")
    page.get_by_label("What it is for").fill("Nightly report")
    press(page, "Create token")
    expect(page.get_by_role("textbox", name="New token")).to_contain_text("lss_")
    assert_good(page)

    page.goto(f"{live_server.url}/api/docs")
    page.get_by_role("link", name="List people with the reason").click()
    page.locator("#list-people summary", has_text="Example").click()
    expect(page.locator("#list-people pre")).to_contain_text('"near_misses"')
    assert_good(page)
