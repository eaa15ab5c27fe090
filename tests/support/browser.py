"""The browser of the suite: where one is found, how one is provided, how it is started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

# The runner says here which browser it found, so that a worker need not look again.
VARIABLE = "LICENSESYNC_TEST_BROWSER"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# It talks to nobody but the pages that a test opens.
ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # Pages of one address and one context share the process that draws them, which has then compiled their scripts.
    "--process-per-site",
)


def find_browser() -> str:
    """The program of an installed Chromium or Chrome, or nothing."""
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return chosen
    found = [path for name in _NAMES if (path := shutil.which(name))]
    found += [path for path in _PLACES if Path(path).is_file()]
    if found:
        return found[0]
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else ""


def provide_browser(say: Callable[[str], None]) -> str:
    """An installed browser, else Debian's, else Playwright's; nothing where all three fail."""
    found = find_browser()
    if found:
        return found
    as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") and (not as_root or _succeeds(["sudo", "-n", "true"])):
        say("No browser is installed: installing Debian's package chromium.")
        _succeeds([*as_root, "apt-get", "update", "-q"])
        _succeeds([*as_root, "apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"])
        found = find_browser()
    if not found:
        say("No browser is installed: asking Playwright for Chromium.")
        _succeeds([sys.executable, "-m", "playwright", "install", "chromium"])
        found = find_browser()
    return found


def launch(playwright: Playwright) -> Browser:
    """:raises RuntimeError: there is no browser; the runner leaves such tests out and says so"""
    program = find_browser()
    if not program:
        raise RuntimeError("There is no Chromium or Chrome: `make test` provides one.")
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []
    return playwright.chromium.launch(executable_path=program, args=[*ARGUMENTS, *sandbox])


class Pages:
    """Hands out fresh pages: no cookies, permissions, storage, listeners or history of another test.

    Most of what a new context costs is a process that compiles the same scripts again. Therefore pages of one language
    share a context, which an empty page of the same address keeps warm.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[tuple[str, bool, str], BrowserContext] = {}

    @contextmanager
    def fresh(self, *, locale: str = "en-US", has_javascript: bool = True, base_url: str = "") -> Iterator[Page]:
        """A page in this language; ``base_url`` completes the addresses it is sent to."""
        key = (locale, has_javascript, base_url)
        if key not in self._contexts:
            self._contexts[key] = self._make_context(*key)
        context = self._contexts[key]
        page = context.new_page()
        page.set_default_timeout(10_000)
        yield page
        # A page at rest, of the origin whose traces have to go.
        self._clear_storage(page)
        page.close()
        context.clear_cookies()
        context.clear_permissions()

    def close(self) -> None:
        for context in self._contexts.values():
            context.close()

    def _make_context(self, locale: str, has_javascript: bool, base_url: str) -> BrowserContext:
        context = self._browser.new_context(
            locale=locale, java_script_enabled=has_javascript, base_url=base_url or None
        )
        warm = context.new_page()
        warm.route("**/*", lambda route: route.fulfill(content_type="text/html", body=""))
        warm.goto("http://localhost/")
        return context

    @staticmethod
    def _clear_storage(page: Page) -> None:
        parts = urlsplit(page.url)
        if parts.netloc:
            origin = f"{parts.scheme}://{parts.netloc}"
            session = page.context.new_cdp_session(page)
            session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a worker."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def pages(browser: Browser) -> Iterator[Pages]:
    """Where a test gets a page of another language, or without JavaScript."""
    pages = Pages(browser)
    yield pages
    pages.close()


@pytest.fixture
def page(pages: Pages) -> Iterator[Page]:
    """A fresh page without cookies, in English."""
    with pages.fresh() as page:
        yield page


def _succeeds(command: Sequence[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=False, timeout=300,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
