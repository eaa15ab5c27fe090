"""What is held about a person: on a page for owners, and whole in a file for the person."""

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.test import Client

from cloud import intake
from cloud.models import ConsumedLicense, Intake, Ledger, PersonChange, Suspect, VerifiedDomain
from cloud.people import naming, telling
from cloud.people.holding import _TABLES, NOBODY_IN, held_about
from cloud.people.holding_words import FIELDS, TABLES
from cloud.services import open_ledger
from enterprises.models import AuditEvent, Enterprise, User
from tests.cloud.books import NOW, connect, import_members, member, opening, parts_of, send
from wire.lines import make_line

HELD = {
    "work@octo.example",
    "home@private.example",
    "typed@private.example",
    "id@idp.example",
    "name-id@idp.example",
    "visual@studio.example",
    "second@private.example",
}


@pytest.fixture
def ledger(cloud_enterprise: Enterprise) -> Ledger:
    return open_ledger(enterprise=cloud_enterprise, at=NOW)


@pytest.fixture
def ada(ledger: Ledger) -> ConsumedLicense:
    """In every table: a member who signs in, with an account that a server has sent, and sends again at this moment."""
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=NOW)
    emails = [("work@octo.example", True), ("home@private.example", True), ("typed@private.example", False)]
    fields = {
        "name": "Ada",
        "emails": [{"email": email, "verified": verified} for email, verified in emails],
        "identities": [{"attribute": "emails", "value": "id@idp.example"}],
        "saml_name_id": "name-id@idp.example",
        "visual_studio": {"email": "visual@studio.example", "status": "Pending Invitation"},
    }
    import_members(ledger, member(7, "ada", **fields), member(8, "bob"))
    server = connect(ledger, "ghes1.octo.example")
    lines = [make_line(1, "work@octo.example", ["second@private.example"]), make_line(2, "other@octo.example")]
    send(server, lines)
    ada = naming.find_person(ledger, "ada")
    other = naming.find_person(ledger, "other@octo.example")
    first = {"address": "home@private.example", "role": "verified", "installation": None, "user_id": None}
    second = {"address": "other@octo.example", "role": "primary", "installation": server.pk, "user_id": 2}
    proof = {"kind": "secondary", "score": 90, "first": first, "second": second}
    Suspect.objects.create(
        ledger=ledger, identity="0", first_license=ada, second_license=other, kind="secondary", score=90,
        evidence=[proof], licenses_at_stake=1, found_at=NOW, found_revision=2, state_at=NOW,
    )  # fmt: skip
    User.objects.filter(username="olivia").update(email="Home@private.example")
    lines.append(make_line(3, "third@octo.example"))
    opened = opening(server, lines)
    intake.open_sync(server, opened, NOW)
    intake.receive_part(server, opened.sync_id, 1, parts_of(lines)[0], NOW)
    return ada


def test_every_table_is_read_or_holds_nobody() -> None:
    tables = {model._meta.label for model in apps.get_app_config("cloud").get_models()}

    assert tables == {name for name in _TABLES if name.startswith("cloud.")} | NOBODY_IN
    assert set(TABLES) == set(_TABLES)


def test_file_holds_everything_of_the_person_and_nothing_of_others(owner_client: Client, ada: ConsumedLicense) -> None:
    response = owner_client.post(f"/enterprises/octo/people/{ada.pk}/data.json")

    held = {table["table"]: table["rows"] for table in response.json()["held"]}
    text = response.content.decode()
    assert set(held) == set(_TABLES) - {"cloud.MemberLink"}
    assert {address for address in HELD if address in text} == HELD
    assert "other@octo.example" not in text
    assert "bob" not in text
    assert held["cloud.ConsumedLicense"][0]["since"] == NOW.isoformat()
    assert held["enterprises.User"][0]["username"] == "olivia"


def test_download_is_audited_by_a_number(owner_client: Client, ada: ConsumedLicense) -> None:
    owner_client.post(f"/enterprises/octo/people/{ada.pk}/data.json")

    event = AuditEvent.objects.get(action="person_data.download")
    assert (event.actor_name, event.target, event.before, event.after) == ("olivia", f"#{ada.pk}", None, None)


def test_page_shows_the_addresses_that_owners_may_see(owner_client: Client, ada: ConsumedLicense) -> None:
    response = owner_client.get(f"/enterprises/octo/people/{ada.pk}/data")

    text = response.content.decode()
    # Evidence is for owners, on whatever page.
    assert {address for address in HELD if address in text} == {"work@octo.example", "home@private.example"}
    assert sum(table.held.values_left_out for table in response.context["tables"]) == 7
    assert "What goes when the person goes" in text


def test_page_names_roles_of_organizations_and_of_the_enterprise_as_the_filter_does(
    owner_client: Client, ledger: Ledger
) -> None:
    import_members(ledger, member(1, "ada", member_roles=["infra:Owner"], enterprise_roles=["owner"]))

    tables = owner_client.get(f"/enterprises/octo/people/{ledger.licenses.get().pk}/data").context["tables"]

    (roles,) = (table.rows for table in tables if table.held.table == "cloud.MemberRole")
    assert [[cell["value"] for cell in row] for row in roles] == [
        ["", "Enterprise owner"],
        ["infra", "Organization owner"],
    ]


def test_every_field_has_a_name(ada: ConsumedLicense) -> None:
    fields = {name for table in held_about(ada, None) for row in table.rows for name in row}

    assert fields <= set(FIELDS)


def test_what_is_held_goes_with_the_person(ledger: Ledger, ada: ConsumedLicense) -> None:
    server = ledger.installations.get()
    Intake.objects.filter(state__in=Intake.OPEN).delete()
    import_members(ledger, member(8, "bob"))
    send(server, [make_line(2, "other@octo.example")])

    with pytest.raises(naming.PersonNotNamed):
        naming.find_person(ledger, "ada")
    assert not PersonChange.objects.filter(license_id=ada.pk).exists()
    remaining = json.dumps([telling.held_values(license_, NOW) for license_ in ledger.licenses.all()])
    assert "private.example" not in remaining


def test_command_gives_the_same_as_the_file(ada: ConsumedLicense, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("person_data", "octo", "ghes1.octo.example:1", "--json")

    told = json.loads(capsys.readouterr().out)
    assert told["held"] == telling.held_values(ada, NOW + timedelta(1))["held"]
    assert AuditEvent.objects.get(action="person_data.download").actor is None


@pytest.mark.parametrize("name", ["ada", "ADA", "work@octo.example", "Typed@private.example", "ghes1.octo.example:1"])
def test_a_person_is_found_by_what_they_are_called(name: str, ledger: Ledger, ada: ConsumedLicense) -> None:
    assert naming.find_person(ledger, name) == ada
    assert naming.find_person(ledger, f"#{ada.pk}") == ada


@pytest.mark.parametrize("name", ["nobody", "no@octo.example", "\x00@octo.example", "#0", "ghes1.octo.example:99"])
def test_nobody_is_found_under_another_name(name: str, ada: ConsumedLicense) -> None:
    with pytest.raises(CommandError, match="Nobody is listed in octo under"):
        call_command("explain_person", "octo", name)


def test_a_name_of_several_people_is_refused(ledger: Ledger) -> None:
    emails = [{"email": "both@octo.example", "verified": True}]
    import_members(ledger, member(1, "ada", emails=emails), member(2, "bob", emails=emails))

    with pytest.raises(CommandError, match="said of several people: ada, bob"):
        call_command("explain_person", "octo", "both@octo.example")


def test_command_explains_as_the_page_does(
    owner_client: Client, ada: ConsumedLicense, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("explain_person", "octo", "ada")
    call_command("explain_person", "octo", "ada", "--json")

    *lines, told = capsys.readouterr().out.splitlines()
    page = owner_client.get(f"/enterprises/octo/people/{ada.pk}").context["explanation"]
    assert json.loads(told) == json.loads(json.dumps(telling.values(page)))
    assert lines[0].startswith("ada: The cloud account and the server accounts are one person")
    assert any("Its primary address work@octo.example is a verified address of ada." in line for line in lines)
