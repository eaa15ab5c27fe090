"""The browser of the suite: where one is found, how one is provided, how it is started."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a worker; each test opens contexts of its own."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page without cookies, in English."""
    context = browser.new_context(locale="en-US")
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


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
