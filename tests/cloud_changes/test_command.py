"""The command says what the page says."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from cloud.models import Ledger, Reason, ReasonCount, Revision

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("license_changes", "octo", *arguments, stdout=out)
    return out.getvalue().strip()


def told(*arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(said(*arguments, "--json"))
    return result


def test_command_says_the_equation_and_every_reason(november: Ledger) -> None:
    lines = said("--from", "2026-11-09", "--to", "2026-11-30").splitlines()

    assert lines[0] == (
        "From 4 to 6 licenses: +1 invited to the cloud; +1 new account on ghes2.octo.example; "
        "+1 no longer matched: primary address changed on ghes2.octo.example; +1 unsuspended on the cloud; "
        "−1 account gone from ghes2.octo.example; −1 left the cloud."
    )
    assert lines[1:] == [
        "+1 invited to the cloud (people: 1, still listed: 1)",
        "+1 new account on ghes2.octo.example (people: 1, still listed: 1)",
        "+1 no longer matched: primary address changed on ghes2.octo.example (people: 1, still listed: 1)",
        "+1 unsuspended on the cloud (people: 1, still listed: 1)",
        "−1 account gone from ghes2.octo.example (people: 1, still listed: 0)",
        "−1 left the cloud (people: 1, still listed: 0)",
        "0 one account less, which is somebody else's now (people: 1, still listed: 1)",
    ]


def test_json_says_points_reasons_and_their_sum(november: Ledger) -> None:
    result = told("--from", "0", "--to", "3")

    assert result["start"] == {"revision": 0, "licenses": 0, "at": None}
    assert (result["end"]["revision"], result["end"]["licenses"]) == (3, 5)
    assert result["difference"] == sum(one["licenses"] for one in result["reasons"]) == 5
    assert {one["reason"]: (one["people"], one["still_listed"]) for one in result["reasons"]} == {
        "joined": (2, 1),
        "new_account": (3, 2),
        "unmatched_address": (1, 1),
        "account_gone": (1, 0),
        "stayed_new_account": (1, 1),
        "stayed_unmatched": (1, 1),
    }


def test_people_of_a_reason_are_those_who_are_there(november: Ledger) -> None:
    people = told("--from", "0", "--reason", "new_account", "--server", "ghes2.octo.example")["people"]

    kept = november.licenses.get(label="hubot@octo.example")
    assert people[-1] == {"id": kept.pk, "person": "hubot@octo.example", "revision": 2}
    assert [one["revision"] for one in people] == [3, 2]
    assert said("--from", "0", "--reason", "left") == "Nobody who is listed now."


def test_what_an_older_version_counted_has_no_reasons(november: Ledger) -> None:
    ReasonCount.objects.filter(revision__number__lt=3).delete()
    Revision.objects.filter(number__lt=3).update(has_reasons=False)

    result = told("--from", "0")

    assert result["not_recorded"] == {"added": 4, "removed": 0, "recorded_since": "2026-11-15T12:00:00+00:00"}
    assert "+4 -0 not recorded: no reasons were kept before 2026-11-15" in said("--from", "0")
    assert "+4 not recorded" in said("--from", "0").splitlines()[0]
    assert "joined" not in {one["reason"] for one in result["reasons"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--from", "3", "--to", "1"], "The end is before the beginning."),
        (["--from", "last week"], "is no date"),
        (["--to", "77"], "There is no revision 77"),
    ],
)
def test_command_refuses_what_is_no_span(november: Ledger, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        said(*arguments)


def test_unknown_account_is_said(ledger: Ledger) -> None:
    with pytest.raises(CommandError, match="create_enterprise makes one"):
        call_command("license_changes", "nobody")


def test_every_reason_has_words_and_at_most_one_effect() -> None:
    from cloud.changes import reason_words

    words = [reason_words(reason, "ghes1") for reason in Reason]

    assert len(set(words)) == len(Reason)
    assert {reason.effect for reason in Reason} == {1, 0, -1}
