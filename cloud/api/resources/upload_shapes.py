"""What the API says of an uploaded usage file, and of one that it does not take."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

import msgspec
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from cloud.api.addresses import api_address
from cloud.api.moments import written, written_if_any
from cloud.api.resources.words import about
from cloud.models import Channel, Intake
from cloud.usage_files import UnknownServer, UploadRefused, status_of
from wire.signing import fingerprint, kid_of

State = Literal["PENDING", "READY", "SUCCESS", "FAILURE", "DISCARDED"]
DOCUMENTATION: Final = "docs/formats.md#why-a-file-is-refused"


class UploadSample(msgspec.Struct, frozen=True, kw_only=True):
    """One of the server's own accounts behind a difference, as the server sent it."""

    user_id: int
    primary: Annotated[str, about("Its primary address; empty where it has none.")]
    change: Annotated[str, about("added, removed, matched (to somebody who is counted anyway) or unmatched.")]
    match: Annotated[str, about("The rule that gave it its person: linked, identity, verified, address or none.")]


class UploadDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What a file changes: accounts of its server, and people and licenses of the cloud account."""

    accounts: Annotated[int, about("Of the server, afterwards.")]
    added: int
    changed: int
    removed: int
    people_added: int
    people_removed: int
    people_matched: Annotated[int, about("They were there already, and have more server accounts now.")]
    people_unmatched: Annotated[int, about("They are still there, and have fewer.")]
    licenses_before: int
    licenses_after: int
    licenses_added: int
    licenses_removed: int
    revision: Annotated[int, about("Of the server's history; a preview has the one that it was computed at.")]
    samples: Annotated[
        list[UploadSample], about("Some of the accounts behind it: for a day, for owners, and not in lists.")
    ]


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A usage file on its way into the books."""

    id: int
    state: Annotated[
        State,
        about(
            "PENDING: it is read, or applied. READY: a preview that waits to be applied. SUCCESS: applied. "
            "FAILURE: refused, and code and message say why. DISCARDED: thrown away, or left for a day."
        ),
    ]
    stage: Annotated[str, about("What is being done while it is pending, in a word; else empty.")]
    progress: Annotated[float, about("How much of it is done, from 0 to 1.")]
    hostname: str
    server_id: Annotated[str, about("The UUID by which a server is known even where its host name changes.")]
    fingerprint: Annotated[str, about("Of the server's key, which signed the file.")]
    snapshot_id: Annotated[str, about("The UUID of what the file holds; the receipt names it as sync_id.")]
    accounts: Annotated[int, about("License-consuming accounts in the file.")]
    taken_at: Annotated[str, about("Of when the seats are.")]
    uploaded_at: str
    finished_at: Annotated[str | None, about("When it was applied or refused.")]
    difference: Annotated[
        UploadDifference | None,
        about("What it changed, or would change; null until that is known."),
    ]
    code: Annotated[str, about("Why it was refused, for programs; else empty.")]
    message: Annotated[str, about("The same as a sentence with what to do next.")]
    receipt_url: Annotated[str | None, about("Where the signed receipt is, once it is applied.")]
    receipt_fingerprint: Annotated[
        str, about("Of the cloud's key that signed it, to be compared on the server the first time; empty without one.")
    ]


class Uploads(msgspec.Struct, frozen=True, kw_only=True):
    """The usage files of the account's servers, the newest first."""

    total_count: int
    uploads: list[Upload]


class UploadError(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is not taken. What the next step needs stands in the answers unknown_server and already_applied."""

    message: str
    code: str
    documentation_url: str
    status: str
    fingerprint: Annotated[
        str | msgspec.UnsetType,
        about("Of the key that signed it; where it is the one on the server's page, send it along."),
    ] = msgspec.UNSET
    server_id: str | msgspec.UnsetType = msgspec.UNSET
    hostname: str | msgspec.UnsetType = msgspec.UNSET
    id: Annotated[int | msgspec.UnsetType, about("The upload with which it was applied.")] = msgspec.UNSET
    receipt_url: Annotated[str | msgspec.UnsetType, about("Where its receipt is.")] = msgspec.UNSET


def shape_of(request: HttpRequest, intake: Intake, slug: str, fingerprints: Mapping[str, str]) -> Upload:
    """How the API says where an upload stands, in the language that is active.

    ``fingerprints`` are those of the cloud's receipt keys.
    """
    status = status_of(intake, timezone.now())
    header = status.header
    facts = {
        "id": intake.pk,
        "state": status.state.value,
        "stage": status.stage.value,
        "progress": round(status.progress, 3),
        "hostname": header.host_name,
        "server_id": header.server_id,
        "fingerprint": fingerprint(header.server_key),
        "snapshot_id": header.snapshot_id,
        "accounts": header.accounts,
        "taken_at": written(status.taken_at),
        "uploaded_at": written(intake.opened_at),
        "finished_at": written_if_any(intake.finished_at),
        "difference": msgspec.to_builtins(status.difference),
        "code": status.code,
        "message": str(status.sentence),
        "receipt_url": _receipt_address(request, intake, slug) if status.receipt else None,
        "receipt_fingerprint": fingerprints[kid_of(status.receipt)] if status.receipt else "",
    }
    return msgspec.convert(facts, Upload)


def without_samples(intakes: QuerySet[Intake]) -> Iterator[Intake]:
    """The same for a list, which has no room for examples of each."""
    for intake in intakes.defer("samples"):
        intake.samples = None
        yield intake


def refusal_facts(request: HttpRequest, error: UploadRefused, slug: str) -> dict[str, object]:
    """What an error has beyond its code and sentence."""
    if isinstance(error, UnknownServer):
        header = error.header
        return {"fingerprint": error.fingerprint, "server_id": header.server_id, "hostname": header.host_name}
    if error.intake is not None and error.intake.channel == Channel.FILE and error.intake.receipt:
        return {"id": error.intake.pk, "receipt_url": _receipt_address(request, error.intake, slug)}
    return {}


def _receipt_address(request: HttpRequest, intake: Intake, slug: str) -> str:
    return api_address(request, f"enterprises/{slug}/server-usage/{intake.pk}/receipt")
