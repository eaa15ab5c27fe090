"""The walk of docs/licensing.md through the demo world: from a number that nobody expected to the ledger of savings.

The test of the journey walks it with checks, ``make screenshots`` with pictures: what the document shows is what runs.
"""

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.support.hosts import Host

SERVER = "ghes2"
_FIX = re.compile(rf"Make (?P<address>\S+) the primary email of {SERVER}\.octo\.example:(?P<user_id>\d+)\.")

Picture = Callable[[str], None]


@dataclass
class Walk:
    """A browser in which the owner is signed in, the host with the demo, and what to do where there is a picture."""

    page: Page
    host: Host
    picture: Picture

    def consumed(self) -> int:
        """The number on the page."""
        self.go("licensing")
        shown = self.page.locator(".Saved-figures dd").nth(1).inner_text()
        return int(shown.replace(",", ""))

    def go(self, place: str, slug: str = "octo") -> None:
        self.page.goto(f"{self.host.url}/enterprises/{slug}/{place}")

    def start_at_the_number(self) -> None:
        """Counted apart, with license sync, saved."""
        self.go("licensing")
        expect(self.page.locator(".Saved-figures")).to_contain_text("1,240")
        expect(self.page.locator(".Saved-figures")).to_contain_text("968")
        self.picture("licensing-number")

    def ask_why_it_grew(self) -> None:
        """Ten addresses changed on one server, and who they are now."""
        self.page.get_by_role("link", name=re.compile("why", re.IGNORECASE)).first.click()
        row = self.page.get_by_role("row", name=re.compile(r"No longer matched: primary address changed on ghes2"))
        expect(row).to_contain_text("+10")
        self.picture("licensing-why")
        row.get_by_role("link", name="10 people").click()
        expect(self.page.get_by_role("main").get_by_role("table").first.get_by_role("row")).to_have_count(11)
        self.picture("licensing-why-people")

    def look_at_a_person(self, fix: "Fix") -> None:
        """One who counts twice: the accounts, the rule, and the nearest miss."""
        self.page.goto(f"{self.host.url}/enterprises/octo/people?q={SERVER}.octo.example:{fix.user_id}")
        self.page.get_by_role("main").get_by_role("table").get_by_role("link").first.click()
        expect(self.page.get_by_role("main")).to_contain_text(f"{SERVER}.octo.example:{fix.user_id}")
        self.picture("licensing-person")

    def look_at_the_worklist(self) -> None:
        """Who is probably the same person."""
        self.go("licensing/duplicates")
        expect(self.page.locator(".Stat", has_text="Licenses at stake")).to_be_visible()
        self.picture("licensing-duplicates")

    def announce(self, fix: "Fix") -> None:
        """Say on the entry what will be done, and let it wait."""
        self.go(f"licensing/duplicates/{fix.entry}")
        expect(self.page.get_by_role("heading", name="What speaks for it")).to_be_visible()
        self.picture("licensing-entry")
        row = self.page.locator(".Box-row", has_text=f"Make {fix.address} the primary email")
        row.get_by_role("button", name="Fix announced: wait for the next sync").click()
        expect(self.page.get_by_role("main")).to_contain_text("Waiting for the next sync")

    def mend_on_the_server(self, fixes: list["Fix"]) -> None:
        """What a site administrator does on the server: the demo's list of accounts says so from now on."""
        logins = {user["id"]: user["login"] for user in self._users()}
        lines = [
            json.dumps({"id": fix.user_id, "login": logins[fix.user_id], "emails": [_primary(fix.address)]})
            for fix in fixes
        ]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "changed.ndjson"
            file.write_text("\n".join(lines))
            self.go("settings/seats", SERVER)
            self.page.locator("input[type=file]").set_input_files(file)
            self.page.get_by_label("Only some of the accounts").check()
            self.page.get_by_role("button", name="Preview the import").click()
            expect(self.page.get_by_role("main")).to_contain_text("Accounts that are not in the file stay.")
        self.page.get_by_role("button", name="Apply").click()

    def enable_sync(self) -> None:
        """Somebody had switched it off there, so that nothing that is mended would arrive."""
        self.go("settings/dotcom_connection", SERVER)
        self.page.get_by_label("Server can sync user license count and usage").select_option(label="Enabled")
        self.page.get_by_role("button", name="Save").click()
        expect(self.page.get_by_role("main")).not_to_contain_text("License sync is off")

    def sync(self) -> None:
        """Press Sync now, and wait for the receipt."""
        self.go("settings/license", SERVER)
        self.page.get_by_role("button", name="Sync now").click()
        expect(self.page.get_by_role("link", name=re.compile("what this sync changed")).first).to_be_visible(
            timeout=60_000
        )
        self.picture("licensing-sync")

    def see_it_proved(self, fix: "Fix") -> None:
        """The entry is closed, by that sync."""
        self.go(f"licensing/duplicates/{fix.entry}")
        expect(self.page.get_by_role("main")).to_contain_text("freed by the sync")
        self.picture("licensing-proved")

    def read_the_ledger(self) -> str:
        """Proved savings, sync by sync; return the newest line."""
        self.go("licensing/savings")
        self.picture("licensing-savings")
        return self.page.get_by_role("main").get_by_role("table").get_by_role("row").nth(1).inner_text()

    def fixes(self) -> list["Fix"]:
        """What the worklist wants to be changed on the one server, where nothing else would do as well."""
        entries = json.loads(self.host.manage("duplicates", "octo", "--json"))["entries"]
        found = ((entry["id"], _FIX.match(fix["sentence"])) for entry in entries for fix in entry["fixes"])
        return [Fix(entry, int(match["user_id"]), match["address"]) for entry, match in found if match]

    def _users(self) -> list[dict[str, int]]:
        return [json.loads(line) for line in self.host.manage("license_users", SERVER, "--json").splitlines()]


@dataclass(frozen=True)
class Fix:
    """An entry of the worklist, and the address that has to become the primary one of an account."""

    entry: int
    user_id: int
    address: str


def _primary(address: str) -> dict[str, object]:
    return {"email": address, "primary": True}


def walk(page: Page, host: Host, picture: Picture) -> tuple[int, int, int, str]:
    """Walk all of it; return the number before and after, how many were mended, and what the ledger says."""
    there = Walk(page, host, picture)
    there.start_at_the_number()
    before = there.consumed()
    there.ask_why_it_grew()
    there.look_at_the_worklist()
    fixes = there.fixes()
    there.look_at_a_person(fixes[0])
    there.announce(fixes[0])
    there.mend_on_the_server(fixes)
    there.enable_sync()
    there.sync()
    there.see_it_proved(fixes[0])
    ledger = there.read_the_ledger()
    return before, there.consumed(), len(fixes), ledger
