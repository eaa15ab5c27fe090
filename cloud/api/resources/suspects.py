"""Pairs of people who are probably one, as the worklist has them, and what was proved by correcting them."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from django.http import HttpResponse
from django.utils import translation
from ninja import Router

from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.conditional import short_answer
from cloud.api.described import Parameter, described
from cloud.api.errors import Refused
from cloud.api.paging import link_pages, window
from cloud.api.resources.words import TAG, about
from cloud.models import Ledger, Suspect
from cloud.people import sight, viewer_of
from cloud.worklist.entries import in_words
from cloud.worklist.listing import Wanted, counts, entries
from cloud.worklist.savings import proved, savings
from cloud.worklist.telling import entry_values, saving_values
from wire.messages import ErrorCode

router = Router(auth=auth.person)

State = Literal["open", "waiting", "confirmed", "gone", "dismissed"]


class SuspectPerson(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two."""

    id: Annotated[int, about("As the list of people has it.")]
    label: str
    server_accounts: Annotated[list[str], about("host:id of the first of them.")]


class SuspectEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """An address of each of the two; empty where the caller may not see it."""

    first_address: str
    first_role: str
    second_address: str
    second_role: str


class SuspectFix(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the two one; each fix alone does."""

    number: int
    sentence: str
    text: Annotated[str, about("A letter that asks for it.")]


class SuspectEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A pair, why it is suspected, and what came of it."""

    id: int
    state: State
    state_at: datetime
    kind: Annotated[str, about("What speaks for it most.")]
    score: Annotated[int, about("Of 100, how often that is right.")]
    licenses_at_stake: int
    licenses_freed: int
    people: Annotated[list[SuspectPerson], about("The two, as far as they are there.")]
    evidence: list[SuspectEvidence]
    fixes: list[SuspectFix]
    outcome: Annotated[str, about("What came of it; empty where nothing did.")]
    assignee: str | None
    reason: Annotated[str, about("Why it was dismissed, where it was.")]


class Suspects(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of one state: what frees most and is most probable first, of what is over the newest first."""

    total_count: int
    licenses_at_stake: Annotated[int, about("In all pairs that are open or wait.")]
    suspects: list[SuspectEntry]


class SavingOfRevision(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync or an import proved, in numbers: nobody is named."""

    revision: int
    at: datetime
    cause: Literal["sync", "members", "removal", "rename", "recount"]
    hostname: str
    entries: Annotated[int, about("Pairs that became one.")]
    licenses: Annotated[int, about("Licenses that freed.")]
    entries_parted: Annotated[int, about("Pairs that had become one and are two again.")]
    licenses_back: int


class Savings(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of proved savings, the newest first."""

    total_count: int
    licenses: Annotated[int, about("Licenses that are saved still.")]
    freed: int
    taken_back: int
    savings: list[SavingOfRevision]


PARAMETERS: Final = (
    Parameter(
        name="state",
        description="Open unless given.",
        schema={"type": "string", "enum": list(Suspect.State.values), "default": Suspect.State.OPEN.value},
    ),
    Parameter(
        name="kind",
        description="What speaks for a pair most.",
        schema={"type": "string", "enum": list(Suspect.Kind.values)},
    ),
    Parameter(
        name="server", description="The host name of a server that one of the two is on.", schema={"type": "string"}
    ),
)
_AT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_SUSPECTS: Final = Suspects(
    total_count=1,
    licenses_at_stake=9,
    suspects=[
        SuspectEntry(
            id=5,
            state="open",
            state_at=_AT,
            kind="secondary",
            score=97,
            licenses_at_stake=1,
            licenses_freed=0,
            people=[
                SuspectPerson(id=42, label="mona", server_accounts=[]),
                SuspectPerson(id=43, label="mona@old.example", server_accounts=["ghes2.octo.example:7"]),
            ],
            evidence=[
                SuspectEvidence(
                    first_address="mona@octo.example",
                    first_role="verified",
                    second_address="mona@octo.example",
                    second_role="secondary on ghes2.octo.example",
                )
            ],
            fixes=[
                SuspectFix(
                    number=1,
                    sentence="Make mona@octo.example the primary address on ghes2.octo.example.",
                    text="Please make mona@octo.example your primary address on ghes2.octo.example.",
                )
            ],
            outcome="",
            assignee=None,
            reason="",
        )
    ],
)
_SAVINGS: Final = Savings(
    total_count=1,
    licenses=9,
    freed=9,
    taken_back=0,
    savings=[
        SavingOfRevision(
            revision=41,
            at=_AT,
            cause="sync",
            hostname="ghes2.octo.example",
            entries=9,
            licenses=9,
            entries_parted=0,
            licenses_back=0,
        )
    ],
)


@router.get(
    "/enterprises/{enterprise}/license-sync/suspects",
    url_name="suspects",
    **described(
        "list-suspects",
        "List who is probably the same person",
        _SUSPECTS,
        tag=TAG,
        parameters=PARAMETERS,
        is_paged=True,
    ),
)
def list_suspects(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Pairs that are probably one person, with the evidence and each correction that makes them one."""
    ledger, asked = auth.ledger(request, enterprise), window(request)
    wanted = _wanted(request, ledger)
    found = entries(ledger, wanted)
    now = counts(ledger)
    listed = found.count() if wanted.is_narrowed else now.by_state.get(wanted.state, 0)
    related = ("first_license__member", "second_license__member", "assignee", "state_by")
    with translation.override("en"):
        told = in_words(ledger, found.select_related(*related)[asked.rows], sight(ledger, viewer_of(request.auth.user)))
        values = [entry_values(entry) for entry in told]
    answer = Suspects(
        total_count=listed,
        licenses_at_stake=now.licenses_at_stake,
        suspects=msgspec.convert(values, list[SuspectEntry]),
    )
    keep = {name: request.GET[name] for name in ("state", "kind", "server") if request.GET.get(name)}
    return link_pages(short_answer(request, answer), request, asked, listed, keep=keep)


@router.get(
    "/enterprises/{enterprise}/license-sync/savings",
    url_name="proved_savings",
    **described("list-savings", "List what was proved to be saved", _SAVINGS, tag=TAG, is_paged=True),
)
def list_savings(request: TokenRequest, enterprise: str) -> HttpResponse:
    """What each sync and import freed of what the worklist had found."""
    ledger, asked = auth.ledger(request, enterprise), window(request)
    found, total = savings(ledger), proved(ledger)
    listed = found.count()
    values = [saving_values(row) for row in found[asked.rows]]
    answer = Savings(
        total_count=listed,
        licenses=total.licenses,
        freed=total.freed,
        taken_back=total.taken_back,
        savings=msgspec.convert(values, list[SavingOfRevision]),
    )
    return link_pages(short_answer(request, answer), request, asked, listed)


def _wanted(request: TokenRequest, ledger: Ledger) -> Wanted:
    state = request.GET.get("state") or Suspect.State.OPEN.value
    kind, hostname = request.GET.get("kind", ""), request.GET.get("server", "")
    if state not in Suspect.State.values or (kind and kind not in Suspect.Kind.values):
        choices = f"state is one of: {', '.join(Suspect.State.values)}; kind of: {', '.join(Suspect.Kind.values)}."
        raise Refused(ErrorCode.INVALID_REQUEST, f"Validation Failed: {choices}")
    server = None
    if hostname:
        is_name = hostname.isprintable()
        server = ledger.installations.filter(hostname=hostname.lower()).first() if is_name else None
        if server is None:
            raise Refused(ErrorCode.INVALID_REQUEST, "Validation Failed: there is no such server.")
    return Wanted(state=state, kind=kind, server=server)
