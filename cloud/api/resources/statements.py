"""Signed statements of the count: which there are, and each as the file that anybody can check."""

from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal

import msgspec
from django.http import Http404, HttpResponse
from ninja import Router

from cloud import statements
from cloud.api import auth
from cloud.api.addresses import api_address
from cloud.api.auth import TokenRequest
from cloud.api.conditional import short_answer, short_file
from cloud.api.described import described
from cloud.api.moments import written
from cloud.api.paging import link_pages, window
from cloud.api.resources.words import TAG, about, number_in
from cloud.models import Statement
from wire.messages import Account, EndorsedKey
from wire.statements import StatedDay, StatedEnd, StatedServer
from wire.statements import Statement as Stated

router = Router(auth=auth.person)

_PATH: Final = "/enterprises/{enterprise}/license-sync/statements"
_READ_AT_ONCE: Final = 10
"""Of statements, for their numbers: one of many servers is large."""


class StatementListed(msgspec.Struct, frozen=True, kw_only=True):
    """A statement in the list."""

    id: int
    kind: Literal["month", "moment"]
    month: Annotated[str, about("Such as 2026-03; empty where it is as of a moment.")]
    made_at: str
    revision: Annotated[int, about("Of the books, whose numbers it states.")]
    consumed: Annotated[int, about("At the end of the month, or at that moment.")]
    purchased: Annotated[int, about("As `consumed`.")]
    kid: Annotated[str, about("The receipt key that signed it.")]
    key_fingerprint: Annotated[str, about("What is compared: given on another way, it proves whose statement it is.")]
    url: Annotated[str, about("Where the signed file is.")]


class Statements(msgspec.Struct, frozen=True, kw_only=True):
    """The statements of the account, the newest first."""

    total_count: int
    statements: list[StatementListed]


class SignedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The signed file; only what is inside ``jws`` counts, and docs/verify_statement.py checks it."""

    format: int
    statement: Stated
    jws: Annotated[str, about("A compact JWS (EdDSA) of the statement.")]
    keys: Annotated[tuple[EndorsedKey, ...], about("The oldest first, each with the word of the one before it.")]


_MADE_AT: Final = datetime(2026, 4, 1, 0, 0, 30, tzinfo=UTC)
_SHA256: Final = "1c5f252b2c322f1852a389fbf1715f8cf8ff4cc6b0323ab0637c1fc7477d4f24"
_LIST: Final = Statements(
    total_count=1,
    statements=[
        StatementListed(
            id=12,
            kind="month",
            month="2026-03",
            made_at=written(_MADE_AT),
            revision=29,
            consumed=812,
            purchased=1000,
            kid="receipts-1",
            key_fingerprint=" ".join(_SHA256[at : at + 4] for at in range(0, 64, 4)),
            url="https://cloud.example/api/v3/enterprises/octo/license-sync/statements/12",
        )
    ],
)
_FILE: Final = SignedStatement(
    format=1,
    statement=Stated(
        kind="month",
        account=Account(slug="octo", name="Octo", kind="enterprise"),
        month="2026-03",
        first_day=date(2026, 3, 1),
        last_day=date(2026, 3, 31),
        month_end=StatedEnd(
            counted_on=date(2026, 3, 2),
            purchased=1000,
            consumed=812,
            available=188,
            counted_apart=1140,
            saved=328,
            peak=815,
        ),
        made_at=_MADE_AT,
        revision=29,
        rules=1,
        purchased=1000,
        consumed=812,
        available=188,
        cloud_licenses=500,
        server_accounts=640,
        counted_apart=1140,
        saved=328,
        listed=815,
        members=520,
        members_imported_at=_MADE_AT,
        days=(StatedDay(day=date(2026, 3, 2), consumed=812, peak=815, counted_apart=1140, purchased=1000),),
        servers=(
            StatedServer(
                hostname="ghes1.octo.example",
                server_id="0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11",
                state="connected",
                channel="wire",
                revision=10,
                snapshot_id="5c1f6a52-9b1e-4b8f-8f6b-2f0d3a8f7e11",
                accounts=640,
                taken_at=_MADE_AT,
                synced_at=_MADE_AT,
                sha256=_SHA256,
                added_licenses=115,
                receipt="eyJ0eXAi...",
            ),
        ),
    ),
    jws="eyJ0eXAi...",
    keys=(EndorsedKey(kid="receipts-1", x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", endorsement=""),),
)


@router.get(
    _PATH,
    url_name="statements",
    **described("list-statements", "List the signed statements", _LIST, tag=TAG, is_paged=True),
)
def list_statements(request: TokenRequest, enterprise: str) -> HttpResponse:
    """One of each month, and those that somebody asked for as of a moment."""
    asked, ledger = window(request), auth.ledger(request, enterprise)
    found = statements.statements(ledger)
    number = found.count()
    prints = dict(statements.fingerprints())
    listed = [
        _listed(request, enterprise, made, prints)
        for made in found.defer("jws")[asked.rows].iterator(chunk_size=_READ_AT_ONCE)
    ]
    answer = Statements(total_count=number, statements=listed)
    return link_pages(short_answer(request, answer), request, asked, number)


@router.get(
    f"{_PATH}/{{statement}}",
    url_name="statement",
    **described("get-statement", "Get a signed statement", _FILE, tag=TAG),
)
def get_statement(request: TokenRequest, enterprise: str, statement: str) -> HttpResponse:
    """The file, as the page gives it: the same bytes each time."""
    ledger = auth.ledger(request, enterprise)
    made = statements.statements(ledger).select_related("ledger__enterprise").filter(pk=number_in(statement)).first()
    if made is None:
        raise Http404
    return short_file(request, statements.json_file(made), statements.file_name(made, "json"))


def _listed(request: TokenRequest, enterprise: str, made: Statement, prints: dict[str, str]) -> StatementListed:
    said = statements.read_headline(made)
    return StatementListed(
        id=made.pk,
        kind="month" if made.month else "moment",
        month=f"{made.month:%Y-%m}" if made.month else "",
        made_at=written(made.made_at),
        revision=made.revision,
        consumed=said.consumed,
        purchased=said.purchased,
        kid=made.kid,
        key_fingerprint=prints[made.kid],
        url=api_address(request, f"enterprises/{enterprise}/license-sync/statements/{made.pk}"),
    )
