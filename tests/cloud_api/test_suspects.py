"""Who is probably the same person, and what was proved: the API says what the commands say."""

import io
import json
from urllib.parse import parse_qsl

import pytest
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries

from cloud.models import Ledger, Saving, Suspect
from cloud.suspects.evidence import Evidence
from tests.cloud.books import connect, import_members, member, sync
from tests.cloud.pairs import held, note_pair
from tests.cloud_api.servers import Api, code_of
from tests.cloud_api.test_reports import links
from tests.factories import NOW

SAVINGS = "/enterprises/octo/license-sync/savings"
SUSPECTS = "/enterprises/octo/license-sync/suspects"


class TestSuspects:
    @pytest.fixture
    def pairs(self, ledger: Ledger) -> list[Suspect]:
        """Mona's and Ada's accounts on a server look like theirs."""
        logins = ("mona", "ada")
        import_members(
            ledger,
            *(
                member(number, login, emails=[{"email": f"{login}@octo.example", "verified": True}])
                for number, login in enumerate(logins, start=1)
            ),
        )
        server = connect(ledger, "ghes1.octo.example")
        sync(server, [(number, f"{login}@home.example") for number, login in enumerate(logins, start=1)])
        ledger.refresh_from_db()
        return [
            note_pair(
                ledger,
                f"m:{number}",
                f"a:{login}@home.example",
                evidence=[
                    Evidence(
                        kind="secondary",
                        score=97,
                        first=held(f"{login}@secret.example", role="unverified"),
                        second=held(
                            f"{login}@secret.example", role="secondary", installation=server.pk, user_id=number
                        ),
                    )
                ],
            )
            for number, login in enumerate(logins, start=1)
        ]

    @pytest.mark.parametrize("query", ["", "?kind=secondary", "?server=ghes1.octo.example", "?kind=dots"])
    def test_entries_are_those_of_the_command(self, query: str, pairs: list[Suspect], owner_api: Api) -> None:
        output = io.StringIO()
        options = [part for name, value in parse_qsl(query[1:]) for part in (f"--{name}", value)]
        call_command("duplicates", "octo", "--json", *options, stdout=output)
        said = json.loads(output.getvalue().replace("+00:00", "Z"))

        answer = owner_api.get(f"{SUSPECTS}{query}").json()

        assert answer["suspects"] == said["entries"]
        assert answer["licenses_at_stake"] == said["licenses_at_stake"] == 2
        assert answer["total_count"] == len(said["entries"])

    def test_pages_follow_each_other_with_the_filters(self, pairs: list[Suspect], owner_api: Api) -> None:
        response = owner_api.get(f"{SUSPECTS}?per_page=1&state=open")

        following = links(response)["next"].removeprefix("http://testserver/api/v3")
        found = [response.json()["suspects"][0]["id"], owner_api.get(following).json()["suspects"][0]["id"]]
        assert found == [pair.pk for pair in pairs]
        assert following.endswith("?state=open&per_page=1&page=2")

    def test_only_owners_read_what_only_proves_it(self, pairs: list[Suspect], owner_api: Api, reader_api: Api) -> None:
        told, hidden = (api.get(SUSPECTS).content.decode() for api in (owner_api, reader_api))

        assert "mona@secret.example" in told
        assert "secret.example" not in hidden

    @pytest.mark.parametrize("query", ["state=maybe", "kind=guess", "server=nowhere.example", "server=%00"])
    def test_nonsense_is_refused(self, query: str, pairs: list[Suspect], reader_api: Api) -> None:
        response = reader_api.get(f"{SUSPECTS}?{query}")

        assert (response.status_code, code_of(response)) == (422, "invalid_request")

    @pytest.mark.parametrize("per_page", [1, 2])
    def test_queries_do_not_grow_with_the_page(
        self,
        per_page: int,
        pairs: list[Suspect],
        owner_api: Api,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with django_assert_max_num_queries(12):
            assert len(owner_api.get(f"{SUSPECTS}?per_page={per_page}").json()["suspects"]) == per_page

    def test_savings_are_those_of_the_command(self, ledger: Ledger, reader_api: Api) -> None:
        for number in (1, 2):
            Saving.objects.create(
                ledger=ledger,
                revision=number,
                at=NOW,
                cause="sync",
                hostname="ghes1.octo.example",
                entries=number,
                licenses=number,
                entries_parted=0,
                licenses_back=number - 1,
            )
        output = io.StringIO()
        call_command("proved_savings", "octo", "--json", stdout=output)
        said = json.loads(output.getvalue().replace("+00:00", "Z"))

        answer = reader_api.get(SAVINGS).json()

        assert answer["savings"] == said["savings"]
        assert (answer["licenses"], answer["freed"], answer["total_count"]) == (said["licenses"], 3, 2)
