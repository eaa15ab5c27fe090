"""Take the pictures of the README and of docs/licensing.md, from the demo.

``python -m tests.support.screenshots`` starts it and walks through it.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from tests.journey import licensing_walk
from tests.support.browser import launch
from tests.support.hosts import ROOT, Host

IMAGES = ROOT / "docs" / "images"
SIZE = ViewportSize(width=1280, height=860)


def main() -> None:
    """Start the demo world in a folder that is deleted afterwards, and write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        host = Host(role="both", name="localhost", folder=Path(folder), has_demo=True)
        with host.running(), sync_playwright() as playwright:
            page = launch(playwright).new_context(locale="en-US", viewport=SIZE).new_page()
            sign_in(page, host)
            take(page, f"{host.url}/enterprises/octo/licensing", "licensing")
            take(page, f"{host.url}/enterprises/ghes1/settings/dotcom_connection", "connection")
            sync_now(page, host)
            take(page, f"{host.url}/enterprises/ghes1/settings/license", "license")
            page.goto(f"{host.url}/enterprises/octo/people?deployment=both")
            first = page.get_by_role("main").get_by_role("table").get_by_role("link").first
            take(page, first.evaluate("a => a.href"), "person")
            # The last, since it changes the world.
            licensing_walk.walk(page, host, lambda name: shoot(page, name))


def sign_in(page: Page, host: Host) -> None:
    """With a one-time link, since the demo's password was printed elsewhere."""
    page.goto(host.manage("sign_in_link", "olivia").strip())
    page.get_by_role("main").get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your enterprises")


def sync_now(page: Page, host: Host) -> None:
    """So that the picture shows a sync of today."""
    page.goto(f"{host.url}/enterprises/ghes1/settings/license")
    page.get_by_role("button", name="Sync now").click()
    expect(page.get_by_text("Receipt signed by").first).to_be_visible(timeout=60_000)


def take(page: Page, url: str, name: str) -> None:
    """Write one picture of what a screen shows."""
    page.goto(url)
    shoot(page, name)


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
