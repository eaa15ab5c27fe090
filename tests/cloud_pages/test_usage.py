"""Add server usage on pages: send, register, preview, apply, receipt; and whatever is refused."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cloud import applying
from cloud.models import Installation, Intake, Ledger, ServerAccount
from enterprises.models import AuditEvent, StagedUpload, User
from tests.cloud.books import import_members, member
from tests.support.usage_files import FileServer, lines_for
from wire.receipts import ReceiptFile

URL = "/enterprises/octo/licensing/usage"
MANY = [(number, f"m{number}@octo.example") for number in range(1, 60)]
ONE = MANY[:1]


@pytest.fixture
def far() -> FileServer:
    """A server that reports by file, with a list of a moment ago."""
    return FileServer(taken_at=timezone.now() - timedelta(hours=1))


def send(client: Client, body: bytes, name: str = "usage.json") -> Any:
    return client.post(URL, {"file": SimpleUploadedFile(name, body)})


def registered(client: Client, far: FileServer, accounts: list[tuple[int, str]] = ONE) -> str:
    """The address of a file whose server was registered for it."""
    register = send(client, far.file(lines_for(accounts)))["Location"]
    return client.post(register, {"fingerprint": far.fingerprint, "compared": "on"})["Location"]


def work() -> None:
    """Do what waits for a worker."""
    for intake in Intake.objects.filter(state=Intake.State.APPLYING):
        applying.apply(intake.pk, timezone.now)


def applied(client: Client, far: FileServer, accounts: list[tuple[int, str]] = ONE) -> str:
    url = registered(client, far, accounts)
    work()
    client.post(f"{url}/apply")
    work()
    return url


def test_unknown_server_shows_its_fingerprint_and_is_not_registered(
    owner_client: Client, ledger: Ledger, far: FileServer
) -> None:
    url = send(owner_client, far.file(lines_for(ONE)))["Location"]

    page = owner_client.get(url).content.decode()

    assert url.startswith(f"{URL}/register/")
    assert far.fingerprint in page
    assert far.server_id in page
    assert not Installation.objects.exists()


def test_registration_needs_the_comparison(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    url = send(owner_client, far.file(lines_for(ONE)))["Location"]

    answer = owner_client.post(url, {"fingerprint": far.fingerprint})

    assert answer.status_code == 422
    assert "Compare the two first" in answer.content.decode()
    assert not Installation.objects.exists()


def test_registration_with_another_fingerprint_is_refused(
    owner_client: Client, ledger: Ledger, far: FileServer
) -> None:
    url = send(owner_client, far.file(lines_for(ONE)))["Location"]

    answer = owner_client.post(url, {"fingerprint": "0000", "compared": "on"})

    assert answer.status_code == 409
    assert not Installation.objects.exists()


def test_unregistered_file_is_thrown_away(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    url = send(owner_client, far.file(lines_for(ONE)))["Location"]

    owner_client.post(f"{url}/forget")

    assert not StagedUpload.objects.exists()
    assert owner_client.get(url).status_code == 404


def test_preview_shows_what_would_change_and_applies_nothing(
    owner_client: Client, ledger: Ledger, far: FileServer
) -> None:
    url = registered(owner_client, far)
    reading = owner_client.get(url).content.decode()
    work()

    ready = owner_client.get(url).content.decode()

    assert "hx-get" in reading
    assert "hx-get" not in ready
    assert "Would come" in ready
    assert not ServerAccount.objects.exists()


def test_applied_file_counts_and_gives_a_receipt(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    url = applied(owner_client, far)

    page = owner_client.get(url)
    receipt = owner_client.get(f"{url}/receipt.json")

    file = msgspec.json.decode(receipt.content, type=ReceiptFile)
    assert page.context["page"].change_url in page.content.decode()
    assert page.context["page"].receipt_fingerprint in page.content.decode()
    assert receipt["Content-Disposition"] == f'attachment; filename="receipt-{far.hostname}-r1.json"'
    assert (file.receipt.revision, file.receipt.accounts) == (1, 1)


def test_licensing_page_names_the_last_upload(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    url = applied(owner_client, far)

    page = owner_client.get("/enterprises/octo/licensing").content.decode()

    assert f'href="{url}"' in page
    assert f'href="{URL}"' in page


def test_discarded_file_changes_nothing(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    url = registered(owner_client, far)
    work()

    owner_client.post(f"{url}/discard")
    again = owner_client.post(f"{url}/apply", follow=True)

    assert "This file is decided already." in again.content.decode()
    assert not ServerAccount.objects.exists()


def test_large_shrink_asks_first(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    applied(owner_client, far, MANY)
    url = send(owner_client, _next(far).file(lines_for(ONE)))["Location"]
    work()

    asked = owner_client.get(url).content.decode()
    refused = owner_client.post(f"{url}/apply")
    owner_client.post(f"{url}/apply", {"allow_shrink": "on"})
    work()

    assert "The file would remove 58 of 59 accounts." in asked
    assert refused.status_code == 409
    assert ServerAccount.objects.count() == 1


def test_new_host_name_is_confirmed_before_it_is_applied(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    applied(owner_client, far)
    former, far.hostname = far.hostname, "renamed.octo.example"
    url = send(owner_client, _next(far).file(lines_for(MANY[:2])))["Location"]
    work()

    asked = owner_client.get(url).content.decode()
    refused = owner_client.post(f"{url}/apply")
    owner_client.post(f"{url}/apply", {"allow_rename": "on"})
    work()

    assert f"known here as {former}" in asked
    assert refused.status_code == 409
    assert Installation.objects.get().hostname == "renamed.octo.example"


def test_preview_that_is_overtaken_is_not_applied(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    applied(owner_client, far)
    slow, fast = [send(owner_client, _next(far).file(lines_for(MANY[:n])))["Location"] for n in (2, 3)]
    work()
    owner_client.post(f"{fast}/apply")
    work()

    page = owner_client.get(slow).content.decode()
    answer = owner_client.post(f"{slow}/apply")

    assert "Other usage of this server has arrived since." in page
    assert answer.status_code == 409
    assert ServerAccount.objects.count() == 3


def test_number_that_changed_meanwhile_is_asked_about_again(
    owner_client: Client, ledger: Ledger, far: FileServer
) -> None:
    url = registered(owner_client, far)
    work()
    import_members(ledger, member(1, "mona"))

    asked = owner_client.post(f"{url}/apply", {"consumed": "0"})

    assert asked.status_code == 409
    assert "The number of licenses has changed since" in asked.content.decode()
    assert 'value="1"' in asked.content.decode()
    assert owner_client.post(f"{url}/apply", {"consumed": "1"}).status_code == 302


def test_change_names_the_file_that_made_it(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    url = applied(owner_client, far)
    change = owner_client.get(url).context["page"].change_url

    page = owner_client.get(change).content.decode()

    assert f"What the usage file of {far.hostname} changed" in page
    assert f'href="{url}"' in page


def test_old_seats_are_pointed_out(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    far.taken_at = timezone.now() - timedelta(days=9)
    url = registered(owner_client, far)
    work()

    assert "more than eight days old" in owner_client.get(url).content.decode()


def test_unchanged_progress_is_not_drawn_again(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    url = registered(owner_client, far)
    seen = owner_client.get(url).context["page"].fingerprint
    headers = {"HX-Request": "true"}

    same = owner_client.get(f"{url}?seen={seen}", headers=headers)
    work()
    other = owner_client.get(f"{url}?seen={seen}", headers=headers)

    assert same.status_code == 204
    assert "Would come" in other.content.decode()
    assert "<html" not in other.content.decode()


def test_refused_file_has_its_sentence_beside_the_field(owner_client: Client, ledger: Ledger) -> None:
    answer = send(owner_client, b"{}")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert re.search(r'class="errorlist"[^>]*>\s*<li>[^<]*' + "This JSON file is not a usage file.", page)
    assert not StagedUpload.objects.exists()


def test_no_file_is_said_beside_the_field(owner_client: Client, ledger: Ledger) -> None:
    assert owner_client.post(URL).status_code == 422


def test_applied_file_sent_again_leads_to_its_upload(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    body = far.file(lines_for(ONE))
    register = send(owner_client, body)["Location"]
    url = owner_client.post(register, {"fingerprint": far.fingerprint, "compared": "on"})["Location"]
    work()
    owner_client.post(f"{url}/apply")
    work()

    answer = send(owner_client, body)

    assert answer.status_code == 422
    assert f'<a href="{url}">' in answer.content.decode()


def test_file_that_was_cut_off_fails_with_its_sentence(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    applied(owner_client, far)
    url = send(owner_client, _next(far).file(lines_for(MANY))[:-40])["Location"]
    work()

    page = owner_client.get(url).content.decode()

    assert "FAILURE" in page
    assert "The end of the file is missing." in page


def test_billing_manager_looks_and_decides_nothing(
    owner_client: Client, billing_manager: User, ledger: Ledger, far: FileServer
) -> None:
    url = registered(owner_client, far)
    work()
    billing_client = Client()
    billing_client.force_login(billing_manager)

    assert billing_client.get(URL).status_code == 200
    assert "<form" not in billing_client.get(url).content.decode().split("<main")[1].split("</main")[0]
    refused = [billing_client.post(f"{url}/{what}").status_code for what in ("apply", "discard")]
    assert [*refused, send(billing_client, b"").status_code] == [403, 403, 403]


def test_addresses_of_a_preview_are_shown_to_owners(
    owner_client: Client, billing_manager: User, ledger: Ledger, far: FileServer
) -> None:
    url = registered(owner_client, far)
    work()
    billing_client = Client()
    billing_client.force_login(billing_manager)

    pages = [client.get(url).content.decode() for client in (owner_client, billing_client)]

    assert ["m1@octo.example" in page for page in pages] == [True, False]
    assert [f"{far.hostname}:1" in page for page in pages] == [True, True]


def test_list_is_read_page_by_page(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    registered(owner_client, far)
    first = Intake.objects.get()
    Intake.objects.bulk_create(_copies(first, 30))

    top = owner_client.get(URL).context["page"]
    below = owner_client.get(top.next_url.partition("#")[0]).context["page"]

    numbers = [row.intake.pk for row in (*top.rows, *below.rows)]
    assert numbers == sorted(numbers, reverse=True)
    assert (len(top.rows), len(below.rows), below.next_url) == (25, 6, "")


def test_each_step_is_in_the_audit_log(owner_client: Client, ledger: Ledger, far: FileServer) -> None:
    applied(owner_client, far)

    events = AuditEvent.objects.filter(enterprise=ledger.enterprise).values_list("action", "actor__username")
    said = {action for action, by in events if by == "olivia"}
    assert {"enterprise_installation.register", "license.upload", "license.upload_apply"} <= said


def _next(far: FileServer) -> FileServer:
    """The server as its receipt has told it what is held."""
    held = Installation.objects.get(server_id=far.server_id)
    far.unanswered = (str(held.snapshot_id),)
    far.taken_at = timezone.now()
    return far


def _copies(intake: Intake, number: int) -> list[Intake]:
    fields = {
        field.attname: getattr(intake, field.attname)
        for field in Intake._meta.concrete_fields
        if field.attname not in {"id", "snapshot_id", "upload_id"}
    }
    return [Intake(**fields, snapshot_id=uuid4()) for _ in range(number)]
