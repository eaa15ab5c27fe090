"""The console's commands: one line, one sentence on failure, JSON where they report."""

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from licensesync import services
from licensesync.models import License, Seat, SyncJob
from tests.factories import NOW
from tests.licensesync.fake_cloud import lose_connection
from tests.licensesync.world import World, make_server, make_world, ndjson

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


@pytest.fixture
def seats_file(tmp_path: Path) -> str:
    file = tmp_path / "seats.ndjson"
    file.write_bytes(ndjson([1, 2]) + ndjson([3], suspended=True))
    return str(file)


class TestImportSeats:
    def test_says_what_changed_in_one_line(self, seats_file: str) -> None:
        make_server("ghes1")

        line = run("import_seats", "ghes1", seats_file)

        assert line == ("ghes1.octo.example holds 3 accounts, 2 of them with a license: 3 added, 0 changed, 0 removed.")

    def test_reports_json(self, seats_file: str) -> None:
        make_server("ghes1")

        result = json.loads(run("import_seats", "ghes1", seats_file, "--json"))

        assert (result["accounts"], result["license_consuming"], result["added"]) == (3, 2, 3)

    def test_preview_changes_nothing(self, seats_file: str) -> None:
        make_server("ghes1")

        assert "would hold 3 accounts" in run("import_seats", "ghes1", seats_file, "--preview")
        assert not Seat.objects.exists()

    def test_bad_line_is_one_sentence(self, tmp_path: Path) -> None:
        make_server("ghes1")
        file = tmp_path / "bad.csv"
        file.write_text("id,login,email\n0,a,\n")

        with pytest.raises(CommandError, match=r"^Line 2: the id must be a whole number"):
            run("import_seats", "ghes1", str(file))

    def test_shrink_names_the_option(self, tmp_path: Path) -> None:
        world = make_world(make_server("ghes1"), accounts=100)
        file = tmp_path / "few.ndjson"
        file.write_bytes(ndjson([1]))

        with pytest.raises(CommandError, match=r"99 of 100 accounts.*--allow-shrink"):
            run("import_seats", "ghes1", str(file))
        run("import_seats", "ghes1", str(file), "--allow-shrink")

        assert Seat.objects.filter(server=world.server).count() == 1

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (["nowhere", "x"], "There is no server enterprise 'nowhere'"),
            (["ghes1", "/no/such/file"], "cannot be read: No such file"),
            (["ghes1", "x", "--taken-at", "yesterday"], "is not a date and time"),
        ],
    )
    def test_what_is_wrong_is_named(self, arguments: list[str], sentence: str) -> None:
        make_server("ghes1")

        with pytest.raises(CommandError, match=sentence):
            run("import_seats", *arguments)


class TestSetLicense:
    def test_writes_it_down(self) -> None:
        make_server("ghes1")

        line = run("set_license", "ghes1", "--customer", "Octo", "--seats", "120", "--expires", "2027-12-31")

        assert line == "ghes1.octo.example has a license of Octo for 120 seats until 2027-12-31."
        assert License.objects.get().seats == 120

    def test_unlimited_and_without_end(self) -> None:
        make_server("ghes1")

        run("set_license", "ghes1", "--customer", "Octo", "--seats", "unlimited", "--expires", "never")

        held = License.objects.get()
        assert (held.seats, held.expires_on) == (None, None)

    def test_customer_that_looks_like_a_credential_is_refused(self) -> None:
        make_server("ghes1")

        with pytest.raises(CommandError, match=r"^The customer looks like it holds a password or token"):
            run("set_license", "ghes1", "--customer", "https://a:b@c", "--seats", "1", "--expires", "never")

        assert not License.objects.exists()

    @pytest.mark.parametrize(("seats", "expires"), [("-1", "never"), ("many", "never"), ("1", "soon")])
    def test_refuses_what_it_cannot_read(self, seats: str, expires: str) -> None:
        make_server("ghes1")

        with pytest.raises(CommandError):
            run("set_license", "ghes1", "--customer", "Octo", f"--seats={seats}", "--expires", expires)


class TestLicenseSync:
    @pytest.fixture
    def world(self) -> World:
        return make_world(make_server("ghes1"), is_enabled=False)

    def test_enable_says_when_the_first_sync_is_due(self, world: World) -> None:
        line = run("license_sync", "ghes1", "enable")

        world.connection.refresh_from_db()
        assert world.connection.license_sync_enabled
        assert line.startswith("License sync of ghes1.octo.example is Enabled. The next sync is due at 20")

    def test_disable_twice_says_already(self, world: World) -> None:
        run("license_sync", "ghes1", "enable")
        run("license_sync", "ghes1", "disable")

        assert run("license_sync", "ghes1", "disable") == "License sync of ghes1.octo.example is Disabled already."

    def test_now_while_disabled_is_refused(self, world: World) -> None:
        with pytest.raises(CommandError, match=r"License sync is disabled\. Enable it: license_sync ghes1 enable"):
            run("license_sync", "ghes1", "now")

    def test_what_is_not_waited_for_says_how_to_wait(self, world: World) -> None:
        run("license_sync", "ghes1", "enable")

        assert run("license_sync", "ghes1", "preview").endswith("is queued. Give --wait to read here how it ends.")

    def test_enable_without_connect_is_refused(self) -> None:
        make_server("ghes2")

        with pytest.raises(CommandError, match="GitHub Connect is not enabled"):
            run("license_sync", "ghes2", "enable")

    def test_now_makes_the_job(self, world: World) -> None:
        run("license_sync", "ghes1", "enable")

        result = json.loads(run("license_sync", "ghes1", "now", "--json"))

        job = SyncJob.objects.get(kind=SyncJob.Kind.USAGE)
        assert (result["job"], result["state"], job.trigger) == (job.pk, "queued", SyncJob.Trigger.COMMAND)

    def test_waiting_in_vain_ends_with_a_sentence(self, world: World) -> None:
        run("license_sync", "ghes1", "enable")

        with pytest.raises(CommandError, match="After 0 s the sync is queued still"):
            run("license_sync", "ghes1", "now", "--wait", "--timeout", "0")

    def test_waiting_for_a_job_in_back_off_says_why(self, world: World) -> None:
        services.set_license_sync(connection=world.connection, enabled=True, by=None, at=NOW)
        world.clock.move(days=36_500)
        world.cloud.fail("open", lose_connection)
        world.sync()

        with pytest.raises(CommandError, match=r"The connection to the cloud broke\. Next attempt at 21"):
            run("license_sync", "ghes1", "status", "--wait")

    def test_status_of_a_success_is_one_line(self, world: World) -> None:
        services.set_license_sync(connection=world.connection, enabled=True, by=None, at=NOW)
        world.sync()

        assert "Last success: 2026-03-02T09:30:" in run("license_sync", "ghes1", "status")
        assert json.loads(run("license_sync", "ghes1", "status", "--json"))["last_success"]

    def test_status_tells_the_license_too(self, world: World) -> None:
        expires_on = timezone.now().date() + timedelta(days=20)
        unknown = json.loads(run("license_sync", "ghes1", "status", "--json"))["license"]
        services.set_license(server=world.server, customer="Octo", seats=None, expires_on=expires_on, by=None, at=NOW)

        told = json.loads(run("license_sync", "ghes1", "status", "--json"))["license"]

        assert (unknown["customer"], unknown["seats"], unknown["warning"]) == (None, None, "")
        assert (told["customer"], told["kind"], told["from"]) == ("Octo", "standard", "form")
        assert (told["seats"], told["seats_used"], told["seats_available"]) == ("unlimited", 3, "unlimited")
        assert (told["dormant"], told["suspended"]) == (0, 0)
        assert (told["expires_on"], told["warning"]) == (expires_on.isoformat(), "30")

    def test_status_of_all_servers(self, world: World) -> None:
        make_server("ghes2", hostname="ghes2.octo.example")

        lines = run("license_sync", "status").splitlines()
        found = json.loads(run("license_sync", "status", "--json"))["servers"]

        assert [line.split(".")[0] for line in lines] == ["ghes1", "ghes2"]
        assert [(one["server"], one["state"]) for one in found] == [("ghes1", "sync_off"), ("ghes2", "not_connected")]

    def test_check_says_it_by_the_exit_code(self, world: World) -> None:
        with pytest.raises(SystemExit, match="2"):
            run("license_sync", "status", "--check")
        services.set_license_sync(connection=world.connection, enabled=True, by=None, at=NOW)
        world.cloud.fail("open", lose_connection)
        world.sync()
        with pytest.raises(SystemExit, match="3"):
            run("license_sync", "ghes1", "status", "--check")
        run("license_sync", "ghes1", "status")

    def test_only_status_needs_no_server(self) -> None:
        with pytest.raises(CommandError, match=r"^Name a server: license_sync SERVER now\.$"):
            run("license_sync", "now")

    def test_cancel_ends_the_job(self, world: World) -> None:
        run("license_sync", "ghes1", "enable")
        run("license_sync", "ghes1", "now")

        assert run("license_sync", "ghes1", "cancel") == "The sync was cancelled."
        with pytest.raises(CommandError, match="No sync is under way"):
            run("license_sync", "ghes1", "cancel")
