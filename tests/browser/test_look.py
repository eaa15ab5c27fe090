"""The components in a real browser: both themes, narrow and wide, with and without JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.support.axe import assert_accessible, assert_no_horizontal_overflow
from tests.support.browser import Pages

pytestmark = pytest.mark.urls("tests.look.urls")

PAGES = ("/", "/?side=cloud", "/signed-out", "/confirmation", "/errors/404", "/errors/500")
LABEL = "License sync"


@pytest.fixture
def guide(page: Page, live_server: LiveServer) -> Page:
    """The style guide, open."""
    page.goto(live_server.url)
    return page


@pytest.fixture
def bare_guide(pages: Pages, live_server: LiveServer) -> Iterator[Page]:
    """The style guide in a browser without JavaScript."""
    with pages.fresh(has_javascript=False) as page:
        page.goto(live_server.url)
        yield page


def background(page: Page) -> str:
    color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return color


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 320)])
@pytest.mark.parametrize("path", PAGES)
def test_page_is_accessible(page: Page, live_server: LiveServer, path: str, theme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})

    page.goto(live_server.url + path)

    assert_accessible(page)


@pytest.mark.parametrize("path", PAGES)
def test_page_fits_a_narrow_screen(page: Page, live_server: LiveServer, path: str) -> None:
    page.goto(live_server.url + path)

    assert_no_horizontal_overflow(page)


def test_open_menu_is_accessible(guide: Page) -> None:
    guide.get_by_label("Menu of mona").click()

    assert_accessible(guide)


def test_open_dialog_is_accessible(guide: Page) -> None:
    guide.get_by_role("link", name="Disable GitHub Connect").click()

    assert_accessible(guide)


def test_accessibility_check_finds_a_picture_without_words(page: Page) -> None:
    page.set_content("<!DOCTYPE html><html lang=en><title>x</title><main><h1>x</h1><img src=x></main>")

    with pytest.raises(AssertionError, match="image-alt"):
        assert_accessible(page)


def test_width_check_finds_what_sticks_out(page: Page) -> None:
    page.set_content("<main><p style='width: 400px'>wide</p></main>")

    with pytest.raises(AssertionError, match="wide"):
        assert_no_horizontal_overflow(page)


def test_fresh_page_knows_nothing_of_the_one_before(pages: Pages, live_server: LiveServer) -> None:
    kept = "[document.cookie, localStorage.length, sessionStorage.length, history.length]"
    with pages.fresh() as before:
        before.goto(live_server.url)
        untouched = before.evaluate(kept)
        before.evaluate("document.cookie = 'a=b'; localStorage.a = sessionStorage.a = 'b'; history.pushState({}, '')")
        assert before.evaluate(kept) != untouched

    with pages.fresh() as page:
        page.goto(live_server.url)

        assert page.evaluate(kept) == untouched


def test_page_obeys_the_security_policy(page: Page, live_server: LiveServer) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    page.goto(live_server.url)
    page.wait_for_function("customElements.get('relative-time') && window.htmx")

    assert said == []


def test_theme_of_the_person_wins_over_the_system(page: Page, live_server: LiveServer) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{live_server.url}/?theme=auto")
    light = background(page)

    page.goto(f"{live_server.url}/?theme=dark")

    assert (light, background(page)) == ("rgb(255, 255, 255)", "rgb(13, 17, 23)")


def test_system_theme_is_followed_without_javascript(bare_guide: Page) -> None:
    bare_guide.emulate_media(color_scheme="dark")

    expect(bare_guide.locator("body")).to_have_css("background-color", "rgb(13, 17, 23)")


def test_menu_opens_without_javascript(bare_guide: Page) -> None:
    bare_guide.get_by_label("Menu of mona").click()

    expect(bare_guide.get_by_role("button", name="Sign out")).to_be_visible()


def test_escape_closes_the_menu_and_gives_the_focus_back(guide: Page) -> None:
    guide.get_by_label("Menu of mona").click()
    guide.get_by_role("button", name="Français").focus()

    guide.keyboard.press("Escape")

    expect(guide.get_by_role("button", name="Français")).to_be_hidden()
    expect(guide.locator("summary.Menu-avatar")).to_be_focused()


def test_choice_is_sent_with_a_button_where_there_is_no_javascript(bare_guide: Page) -> None:
    bare_guide.get_by_label(LABEL, exact=True).first.select_option("off")

    with bare_guide.expect_request(lambda request: request.method == "POST") as sent:
        bare_guide.get_by_role("button", name="Save").first.click()

    assert "sync=off" in (sent.value.post_data or "")


def test_choice_is_sent_at_once_with_javascript(guide: Page) -> None:
    with guide.expect_request(lambda request: request.method == "POST") as sent:
        guide.get_by_label(LABEL, exact=True).first.select_option("off")

    assert "sync=off" in (sent.value.post_data or "")


def test_choice_made_with_the_keyboard_waits_for_the_button(guide: Page) -> None:
    requests: list[str] = []
    guide.on("request", lambda request: requests.append(request.method))
    select = guide.get_by_label(LABEL, exact=True).first

    select.press("ArrowDown")

    expect(guide.get_by_role("button", name="Save").first).to_be_visible()
    assert "POST" not in requests


def test_question_is_a_page_without_javascript(bare_guide: Page, live_server: LiveServer) -> None:
    bare_guide.get_by_role("link", name="Disable GitHub Connect").click()

    expect(bare_guide).to_have_url(f"{live_server.url}/confirmation")
    expect(bare_guide.get_by_role("button", name="Disable")).to_be_visible()


def test_question_is_a_dialog_with_javascript(guide: Page) -> None:
    guide.get_by_role("link", name="Disable GitHub Connect").click()
    dialog = guide.get_by_role("dialog", name="Disable GitHub Connect?")
    expect(dialog.get_by_role("button", name="Disable")).to_be_visible()

    dialog.get_by_role("link", name="Cancel").click()

    expect(dialog).to_be_hidden()


def test_dropped_file_is_the_chosen_one(guide: Page) -> None:
    box = guide.locator("[data-drop]")
    data = guide.evaluate_handle(
        "() => { const data = new DataTransfer(); data.items.add(new File(['{}'], 'usage.json')); return data; }"
    )

    box.dispatch_event("drop", {"dataTransfer": data})

    assert guide.evaluate("document.querySelector('[data-drop] input').files[0].name") == "usage.json"


def test_copy_button_says_that_it_copied(guide: Page) -> None:
    guide.context.grant_permissions(["clipboard-read", "clipboard-write"])

    guide.get_by_role("button", name="Copy").click()

    expect(guide.locator("[data-copy-status]")).to_have_text("Copied")


def test_narrow_screen_has_the_navigation_in_a_menu(guide: Page) -> None:
    guide.set_viewport_size({"width": 320, "height": 640})

    guide.get_by_label("Open the navigation").click()

    expect(guide.get_by_role("link", name="GitHub Connect", exact=True)).to_be_visible()
