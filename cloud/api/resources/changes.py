"""Every change of the books, and for what reasons the number became another one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, Final, Literal

import msgspec
from django.http import HttpResponse
from django.utils import translation
from ninja import Router

from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.conditional import short_answer
from cloud.api.described import described
from cloud.api.moments import written
from cloud.api.paging import link_pages, window
from cloud.api.resources.words import TAG, about
from cloud.changes import cause_words, reason_words
from cloud.models import Reason, ReasonCount, Revision

router = Router(auth=auth.person)


class ChangeReason(msgspec.Struct, frozen=True, kw_only=True):
    """How many people a change concerned for one reason."""

    reason: Annotated[str, about("In a word, such as unmatched_address.")]
    text: Annotated[str, about("In a few words.")]
    people: int
    effect: Annotated[Literal[-1, 0, 1], about("What each of them does to the number of licenses.")]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the books, in numbers: nobody is named."""

    revision: Annotated[int, about("The revision of the books that it led to.")]
    at: str
    cause: Literal["sync", "members", "removal", "rename", "recount"]
    text: Annotated[str, about("What made it, in a few words.")]
    hostname: Annotated[str | None, about("The server that it was about, where it was about one.")]
    licenses_before: int
    licenses_after: int
    licenses_added: int
    licenses_removed: int
    reasons: Annotated[
        list[ChangeReason] | None,
        about("people times effect, over all reasons, is the difference; null where none were kept yet."),
    ]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """The changes of the books, the newest first. They are kept for five years."""

    total_count: int
    changes: list[Change]


_EXAMPLE: Final = Changes(
    total_count=1,
    changes=[
        Change(
            revision=41,
            at="2026-03-02T09:30:00Z",
            cause="sync",
            text="Sync of ghes2.octo.example",
            hostname="ghes2.octo.example",
            licenses_before=812,
            licenses_after=845,
            licenses_added=35,
            licenses_removed=2,
            reasons=[
                ChangeReason(reason="new_account", text="new account on ghes2.octo.example", people=35, effect=1),
                ChangeReason(reason="account_gone", text="account gone from ghes2.octo.example", people=2, effect=-1),
            ],
        )
    ],
)


@router.get(
    "/enterprises/{enterprise}/license-sync/changes",
    url_name="changes",
    **described("list-changes", "List why the number changed", _EXAMPLE, tag=TAG, is_paged=True),
)
def list_changes(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Every change of the books with the number before and after it, and how many people made it so for what reason."""
    asked, kept = window(request), auth.ledger(request, enterprise).revisions.order_by("-number")
    listed, revisions = kept.count(), list(kept[asked.rows])
    with translation.override("en"):
        reasons = _reasons(revisions)
        answer = Changes(total_count=listed, changes=[_change(revision, reasons) for revision in revisions])
    return link_pages(short_answer(request, answer), request, asked, listed)


def _reasons(revisions: Iterable[Revision]) -> Mapping[int, list[ChangeReason]]:
    """The reasons of some revisions by primary key, in one query: what adds most first."""
    by_pk = {revision.pk: revision for revision in revisions}
    found: defaultdict[int, list[ChangeReason]] = defaultdict(list)
    for count in ReasonCount.objects.filter(revision__in=by_pk):
        reason = Reason(count.reason)
        text = reason_words(reason, by_pk[count.revision_id].hostname)
        found[count.revision_id].append(
            msgspec.convert(
                {"reason": reason.value, "text": text, "people": count.people, "effect": reason.effect}, ChangeReason
            )
        )
    return {
        pk: sorted(of_revision, key=lambda each: (-each.effect * each.people, -each.people, each.reason))
        for pk, of_revision in found.items()
    }


def _change(revision: Revision, reasons: Mapping[int, list[ChangeReason]]) -> Change:
    return msgspec.convert(
        {
            "revision": revision.number,
            "at": written(revision.at),
            "cause": revision.cause,
            "text": cause_words(revision.cause, revision.hostname),
            "hostname": revision.hostname or None,
            "licenses_before": revision.licenses_before,
            "licenses_after": revision.licenses_after,
            "licenses_added": revision.licenses_added,
            "licenses_removed": revision.licenses_removed,
            "reasons": reasons.get(revision.pk, []) if revision.has_reasons else None,
        },
        Change,
    )
