"""The way of docs/offline.md: what an owner does on the pages of both sides, and the files that are carried."""

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Download, Locator, Page, expect

from tests.support.hosts import Host

_GROUPS = re.compile(r"[0-9a-f]{4}( [0-9a-f]{4})+")


@dataclass
class Side:
    """A browser in which the owner of one side is signed in, and a pocket for what is carried."""

    page: Page
    host: Host
    slug: str
    pocket: Path

    def sign_in(self, link: str) -> None:
        self.page.goto(link)
        self.page.get_by_role("main").get_by_role("button").click()

    def go(self, place: str) -> None:
        self.page.goto(f"{self.host.url}/enterprises/{self.slug}/{place}")

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def fingerprint(self, label: str) -> str:
        """What stands there to be compared."""
        text = self.main.get_by_role("textbox", name=label).inner_text()
        assert _GROUPS.fullmatch(text), text
        return text

    def keep(self, download: Download) -> Path:
        """Put a download into the pocket."""
        file = self.pocket / download.suggested_filename
        download.save_as(file)
        return file

    def take_away(self, link: str) -> Path:
        with self.page.expect_download() as waiting:
            self.main.get_by_role("link", name=link, exact=True).first.click()
        return self.keep(waiting.value)


class ServerSide(Side):
    """The server's console."""

    def export(self) -> tuple[Path, str]:
        """Export and download; return the file, and the fingerprint of the key that signed it."""
        self.go("settings/license")
        self.main.get_by_role("link", name="Export license usage").click()
        self.main.get_by_role("button", name="Export", exact=True).click()
        expect(self.main.get_by_text("Waits for its receipt").first).to_be_visible(timeout=60_000)
        return self.take_away("Download"), self.fingerprint("Fingerprint of this server's key")

    def import_receipt(self, receipt: Path, fingerprint: str) -> None:
        """Bring the cloud's answer back; its key is not known yet, and is compared."""
        self.go("settings/license/usage-file")
        self.main.locator("#receipt input[type=file]").set_input_files(receipt)
        self.main.get_by_role("button", name="Import receipt").click()
        assert self.fingerprint("Fingerprint of the cloud's key") == fingerprint
        self.main.get_by_role("checkbox").check()
        self.main.get_by_role("button", name="Import receipt").click()
        expect(self.main).to_contain_text("Accepted")


class CloudSide(Side):
    """The cloud's console."""

    def send(self, file: Path) -> None:
        """Add server usage: choose a file and send it."""
        self.go("licensing/usage")
        self.main.locator("input[type=file]").set_input_files(file)
        self.main.get_by_role("button", name="Send and preview").click()

    def register(self, fingerprint: str) -> None:
        """The server is not known: compare, and register it."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Register the server")
        assert self.fingerprint("Fingerprint of the server's key") == fingerprint
        self.main.get_by_role("checkbox").check()
        self.main.get_by_role("button", name="Register and preview").click()

    def apply(self) -> None:
        """Look at what would change, then have it applied."""
        expect(self.main).to_contain_text("Nothing was applied", timeout=60_000)
        self.main.get_by_role("button", name="Apply").click()
        expect(self.main).to_contain_text("The file is applied.", timeout=60_000)

    def consumed(self) -> int:
        """The number on the page."""
        self.go("licensing")
        return int(self.page.locator(".Saved-figures dd").nth(1).inner_text().replace(",", ""))
