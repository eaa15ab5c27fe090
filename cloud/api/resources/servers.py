"""The servers behind the number, as under "Enterprise Server instances"."""

from typing import Annotated, Final, Literal

import msgspec
from django.http import HttpResponse
from django.utils import timezone, translation
from ninja import Router

from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.conditional import short_answer
from cloud.api.described import described
from cloud.api.moments import written_if_any
from cloud.api.paging import link_pages, window
from cloud.api.resources.words import TAG, about
from cloud.instances import InstanceState, instance_states

router = Router(auth=auth.person)

Standing = Literal[
    "disconnected", "sync_off", "undecided", "failed", "syncing", "never_synced", "stale", "old_seats", "up_to_date"
]


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server of the account. Times are null where there was none."""

    id: Annotated[int, about("The number of its App.")]
    server_id: Annotated[str, about("The UUID by which a server is known even where its host name changes.")]
    hostname: str
    version: str
    state: Annotated[
        Literal["connected", "disconnected", "by_file"],
        about("by_file: no line leads to it, its usage comes as files."),
    ]
    channel: Annotated[Literal["wire", "file"], about("How its last usage came, or was tried.")]
    standing: Annotated[
        Standing,
        about(
            "Where it stands, the first of these that holds: disconnected, sync_off, undecided (its owner has to "
            "decide), failed, syncing, never_synced, stale (the last success is over 8 days ago), old_seats, "
            "up_to_date."
        ),
    ]
    label: Annotated[str, about("The same in words.")]
    status: Annotated[str, about("The status line of GitHub's own page; its time is that of the last sync.")]
    problem: Annotated[str, about("Why nothing newer arrived, as far as the cloud was told; else empty.")]
    last_sync: Annotated[str | None, about("When the last sync succeeded.")]
    last_attempt: Annotated[str | None, about("When the last one was tried.")]
    seats_taken_at: Annotated[str | None, about("Of when the seats are.")]
    next_expected_at: Annotated[str | None, about("When the next sync should come at the latest.")]
    is_overdue: bool
    accounts: Annotated[int, about("License-consuming accounts that it sent.")]
    added_licenses: Annotated[int, about("Licenses that only this server adds: what removing it would free.")]


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """The servers of the account, by host name."""

    total_count: int
    servers: list[Server]


_EXAMPLE: Final = Servers(
    total_count=1,
    servers=[
        Server(
            id=17,
            server_id="0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11",
            hostname="ghes1.octo.example",
            version="3.19.0",
            state="connected",
            channel="wire",
            standing="up_to_date",
            label="Up to date",
            status="GitHub Connect server usage synced",
            problem="",
            last_sync="2026-03-02T09:30:00Z",
            last_attempt="2026-03-02T09:30:00Z",
            seats_taken_at="2026-03-02T04:00:00Z",
            next_expected_at="2026-03-09T09:30:00Z",
            is_overdue=False,
            accounts=640,
            added_licenses=115,
        )
    ],
)


@router.get(
    "/enterprises/{enterprise}/license-sync/servers",
    url_name="servers",
    **described("list-servers", "List servers", _EXAMPLE, tag=TAG, is_paged=True),
)
def list_servers(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Where every server stands, and what it adds to the count."""
    asked, ledger = window(request), auth.ledger(request, enterprise)
    with translation.override("en"):
        servers = [_server(state) for state in instance_states(ledger, timezone.now())]
    answer = Servers(total_count=len(servers), servers=servers[asked.rows])
    return link_pages(short_answer(request, answer), request, asked, len(servers))


def _server(state: InstanceState) -> Server:
    held = state.installation
    return msgspec.convert(
        {
            "id": held.pk,
            "server_id": str(held.server_id),
            "hostname": held.hostname,
            "version": held.version,
            "state": held.state,
            "channel": held.last_channel,
            "standing": state.standing.name.lower(),
            "label": str(state.label),
            "status": str(state.status),
            "problem": state.problem,
            "last_sync": written_if_any(held.last_sync_at),
            "last_attempt": written_if_any(held.last_attempt_at),
            "seats_taken_at": written_if_any(held.taken_at),
            "next_expected_at": written_if_any(state.next_expected_at),
            "is_overdue": state.is_overdue,
            "accounts": held.accounts,
            "added_licenses": state.added_licenses,
        },
        Server,
    )
