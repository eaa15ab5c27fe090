"""The people behind the number: found, listed as a file, and explained."""

import csv
import io
import itertools
import json
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoDbBlocker

from cloud import people, reports
from cloud.consumption import totals
from cloud.models import ConsumedLicense, Installation, Ledger, VerifiedDomain
from cloud.people import PeopleFilter
from cloud.people.filters import Deployment
from cloud.services import open_ledger
from tests.cloud.books import connect, import_members, member, send, sync
from tests.cloud_api.examples import load_example
from tests.factories import NOW, make_cloud_enterprise
from tests.support.shared_rows import shared_rows
from wire.lines import make_line

HEADER = (
    "github_com_login,github_com_name,enterprise_server_user_ids,github_com_user,enterprise_server_user,"
    "visual_studio_subscription_user,license_type,github_com_profile,github_com_member_roles,"
    "github_com_enterprise_roles,github_com_verified_domain_emails,github_com_saml_name_id,"
    "github_com_orgs_with_pending_invites,github_com_two_factor_auth,github_com_two_factor_auth_required_by_date,"
    "github_com_advanced_security_license_user,enterprise_server_primary_emails,visual_studio_license_status,"
    "visual_studio_subscription_email,total_user_accounts"
)


def labels(found: Iterator[ConsumedLicense]) -> list[str]:
    return [license_.label for license_ in found]


def person(ledger: Ledger, label: str) -> ConsumedLicense:
    return ledger.licenses.select_related("member", "ledger").get(label=label)


def sentences(explanation: people.Explanation) -> str:
    said = [explanation.license_sentence, *(fact.sentence for fact in explanation.facts)]
    for reason in explanation.accounts:
        said += [reason.sentence, *(hint.sentence for hint in reason.hints)]
    return "\n".join(map(str, said))


@pytest.fixture(scope="class")
def example(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Ledger]:
    """The contested example in the books of octo, written once for all tests of a class."""
    with shared_rows(django_db_blocker):
        with django_db_blocker.unblock():
            ledger = open_ledger(enterprise=make_cloud_enterprise("octo"), seats_purchased=100, at=NOW)
            load_example(ledger, "contested")
        yield ledger


@pytest.fixture
def contested(example: Ledger, db: None) -> Ledger:
    return Ledger.objects.get(pk=example.pk)


def test_search_by_name(ledger: Ledger) -> None:
    import_members(ledger, member(1, "mona", name="Mona Lisa"), member(2, "hubot"))

    assert labels(people.people(ledger, PeopleFilter(q="lisa")).iterator()) == ["mona"]


def test_search_looks_only_into_addresses_that_one_may_see(ledger: Ledger) -> None:
    emails = [{"email": "secret@home.example", "verified": True}, {"email": "m.lisa@octo.example", "verified": True}]
    import_members(ledger, member(1, "mona", emails=emails))
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=timezone.now())

    assert labels(people.people(ledger, PeopleFilter(q="m.lisa@")).iterator()) == ["mona"]
    assert labels(people.people(ledger, PeopleFilter(q="secret")).iterator()) == []


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "=cmd|' /C calc'!A0"])
def test_csv_disarms_formulas(name: str, ledger: Ledger) -> None:
    import_members(ledger, member(1, "mona", name="plain"))
    ledger.members.update(name=name)

    (row,) = csv.DictReader(io.StringIO("".join(reports.csv_lines(ledger))))

    assert row["github_com_name"] == f"'{name}"


def test_csv_keeps_lines_whole(ledger: Ledger) -> None:
    import_members(ledger, member(1, "mona", name='Mona, "the" Lisa\nOcto'))

    (row,) = csv.DictReader(io.StringIO("".join(reports.csv_lines(ledger)), newline=""))

    assert row["github_com_name"] == 'Mona, "the" Lisa\nOcto'


def test_csv_reads_thousands_in_a_few_rounds(
    ledger: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    sync(connect(ledger, "ghes1.octo.example"), [(number, f"u{number}@octo.example") for number in range(1, 2502)])

    with django_assert_max_num_queries(7):
        lines = list(reports.csv_lines(ledger))

    assert len(lines) == 1 + 3
    assert sum(text.count("\r\n") for text in lines) == 2502


def test_file_name_tells_account_and_time(ledger: Ledger) -> None:
    moment = timezone.now().replace(year=2026, month=3, day=2, hour=9, minute=30, second=5)

    assert reports.file_name(ledger.enterprise, moment) == "consumed_licenses-octo-2026-03-02T093005Z.csv"


def test_explanation_notices_the_same_local_part_on_a_verified_domain(ledger: Ledger) -> None:
    VerifiedDomain.objects.create(ledger=ledger, domain="octo.example", verified_at=timezone.now())
    import_members(ledger, member(1, "mona", emails=[{"email": "mona.lisa@octo.example", "verified": True}]))
    sync(connect(ledger, "ghes1.octo.example"), [(7, "mona.lisa@old.example")])

    explanation = people.explain(person(ledger, "mona.lisa@old.example"), people.Viewer.OWNER)

    assert "mona has mona.lisa@octo.example, with the same local part on another domain." in sentences(explanation)


def test_explanation_marks_accounts_of_disconnected_servers(ledger: Ledger) -> None:
    server = connect(ledger, "ghes1.octo.example")
    sync(server, [(7, "solo@octo.example")])
    Installation.objects.update(state=Installation.State.DISCONNECTED)

    (reason,) = people.explain(person(ledger, "solo@octo.example"), people.Viewer.OWNER).accounts

    assert (reason.name, reason.is_disconnected) == ("ghes1.octo.example:7", True)


def test_explanation_of_a_crowd_is_bounded(
    ledger: Ledger, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    lines = [make_line(number, "noreply@octo.example", [f"u{number}@octo.example"]) for number in range(1, 301)]
    send(connect(ledger, "ghes1.octo.example"), lines)
    crowd = person(ledger, "noreply@octo.example")

    with django_assert_max_num_queries(9):
        explanation = people.explain(crowd, people.Viewer.OWNER, page=6)

    assert [reason.account.user_id for reason in explanation.accounts] == list(range(251, 301))
    assert [fact.sentence for fact in explanation.facts][1:] == ["300 accounts on ghes1.octo.example."]


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("consumed_licenses", *arguments, stdout=output)
    return output.getvalue()


def test_command_says_when_there_is_no_such_account(ledger: Ledger) -> None:
    with pytest.raises(CommandError, match="no cloud account 'nobody'"):
        run("nobody")


class TestContestedExample:
    @pytest.mark.parametrize(
        ("search", "found"),
        [
            ("ana", ["ana", "ana+ci@octo.example"]),
            ("ANA+ci", ["ana+ci@octo.example"]),
            ("ghes1.octo.example:11", ["x11@spare.example"]),
            ("GHES1.octo.example:10", ["ghes1.octo.example:10"]),
            ("ghes1.octo.example:999999999999999", []),
            ("nobody", []),
            ("%", []),
            ("_", ["u@my_host.example"]),
            ("an\x00a", ["ana", "ana+ci@octo.example"]),
        ],
    )
    def test_search(self, search: str, found: list[str], contested: Ledger) -> None:
        hits = labels(people.people(contested, PeopleFilter.from_query({"q": search})).iterator())

        assert hits == found

    def test_deployments_divide_the_list(self, contested: Ledger) -> None:
        whole = labels(people.people(contested).iterator())

        parts = [labels(people.people(contested, PeopleFilter(deployment=one)).iterator()) for one in Deployment]

        assert sorted(itertools.chain.from_iterable(parts)) == sorted(whole)
        assert all(parts)

    def test_list_comes_with_its_accounts_in_two_queries(
        self, contested: Ledger, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(2):
            listed = people.with_accounts(contested, people.people(contested)[:30])
            names = {
                one.license.label: [f"{account.installation.hostname}:{account.user_id}" for account in one.accounts]
                for one in listed
            }

        assert names["ana"] == ["ghes1.octo.example:1", "ghes2.octo.example:2"]

    def test_csv_has_githubs_columns_and_one_row_per_person(self, contested: Ledger) -> None:
        text = "".join(reports.csv_lines(contested))

        rows = list(csv.DictReader(io.StringIO(text)))
        assert text.splitlines()[0] == HEADER
        assert len(rows) == totals(contested).listed == 26
        (ana,) = (row for row in rows if row["github_com_login"] == "ana")
        assert ana["enterprise_server_user_ids"] == "ghes1.octo.example:1, ghes2.octo.example:2"
        assert (ana["github_com_user"], ana["github_com_two_factor_auth"], ana["total_user_accounts"]) == (
            "true",
            "",
            "3",
        )

    def test_csv_tells_subscriptions_apart(self, contested: Ledger) -> None:
        rows = list(csv.DictReader(io.StringIO("".join(reports.csv_lines(contested)))))

        (max_,) = (row for row in rows if row["github_com_login"] == "max")
        assert max_["license_type"] == "Visual Studio subscription"
        assert (max_["visual_studio_license_status"], max_["visual_studio_subscription_email"]) == (
            "Matched",
            "max@octo.example",
        )

    @pytest.mark.parametrize(
        ("label", "said"),
        [
            ("ana", "Its primary address ana@octo.example is a verified address of ana."),
            ("bob", "Its primary address bob@octo.example is a SAML or SCIM identity of bob."),
            ("ana", "Member of an organization: octo."),
            ("ana", "The cloud account and the server accounts are one person, and consume one license together."),
            ("solo@octo.example", "accounts that share it are one person"),
            ("solo@octo.example", "No member of the cloud account is matched."),
            ("ghes1.octo.example:10", "It has no primary address, so it is a person of its own."),
            ("finn", "The member is suspended on the cloud, where nothing is consumed."),
            ("gil", "The cloud account consumes nothing; the license is due to the server accounts."),
            ("ines", "Invited to an organization: octo."),
            ("lea", "Invited as an outside collaborator to: octo/secret."),
            ("max", "The license comes with a Visual Studio subscription"),
            ("x11@spare.example", "Its secondary address ana@octo.example belongs to ana."),
            ("eva@octo.example", "eva lists its primary address eva@octo.example without having verified it."),
        ],
    )
    def test_explanation_gives_the_reason(self, label: str, said: str, contested: Ledger) -> None:
        explanation = people.explain(person(contested, label), people.Viewer.OWNER)

        assert said in sentences(explanation)

    def test_secondary_address_is_evidence_for_owners_alone(self, contested: Ledger) -> None:
        said = [sentences(people.explain(person(contested, "x11@spare.example"), viewer)) for viewer in people.Viewer]

        assert ["ana@octo.example" in text for text in said] == [True, False, False]
        assert ["An address suggests that this is ana." in text for text in said] == [False, True, True]

    @pytest.mark.parametrize(("label", "rivals"), [("dora", ("dirk",)), ("paul", ("paula",)), ("ana", ())])
    def test_explanation_names_who_else_holds_the_address(
        self, label: str, rivals: tuple[str, ...], contested: Ledger
    ) -> None:
        explanation = people.explain(person(contested, label), people.Viewer.OWNER)

        assert tuple(near.login for near in explanation.accounts[0].other_members) == rivals
        assert explanation.is_ambiguous == bool(rivals)

    def test_command_prints_a_table_with_the_numbers(self, contested: Ledger) -> None:
        table = run("octo")

        assert table.splitlines()[-1] == (
            "25 consumed of 100 purchased: counted apart 35, with license sync 25, saved 10."
        )
        assert len(table.splitlines()) == 1 + 26 + 1

    def test_command_prints_the_same_csv_as_the_page(self, contested: Ledger) -> None:
        assert run("octo", "--format", "csv") == "".join(reports.csv_lines(contested))

    def test_command_prints_what_the_api_answers(self, contested: Ledger) -> None:
        printed = json.loads(run("octo", "--format", "json"))

        page = reports.consumed_licenses(contested, 1, 100).report
        assert printed["total_seats_consumed"] == page.total_seats_consumed
        assert [user["github_com_login"] for user in printed["users"]] == [user.github_com_login for user in page.users]
