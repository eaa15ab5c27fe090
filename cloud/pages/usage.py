"""What Add server usage shows: the list of uploads, and a server that is not known yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from cloud.models import Intake
from cloud.usage_files import UploadState, UploadStatus, status_of, uploads_of
from enterprises.uploads import open_upload
from wire import signing
from wire.usage_reading import read_head

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from django.utils.functional import Promise

    from cloud.instances import InstanceState
    from cloud.models import Ledger, Revision
    from enterprises.models import StagedUpload
    from wire.usage import UsageHeader

UPLOADS_PER_PAGE: Final = 25
_BIGGEST: Final = len(str(2**63)) - 1

# PENDING, SUCCESS and FAILURE are GitHub's words; what waits for somebody is pending, too.
LABELS: Final[dict[UploadState, tuple[str, str | Promise]]] = {
    UploadState.PENDING: ("accent", _("PENDING")),
    UploadState.READY: ("attention", _("PENDING")),
    UploadState.SUCCESS: ("success", _("SUCCESS")),
    UploadState.FAILURE: ("danger", _("FAILURE")),
    UploadState.DISCARDED: ("neutral", _("DISCARDED")),
}
_SENTENCES: Final[dict[UploadState, str | Promise]] = {
    UploadState.PENDING: _("It is being read."),
    UploadState.READY: _("Its preview waits for an owner's decision."),
    UploadState.SUCCESS: _("It is applied."),
    UploadState.DISCARDED: _("It was thrown away. Nothing was applied."),
}


@dataclass(frozen=True, kw_only=True)
class UploadRow:
    """One upload of the list."""

    intake: Intake
    status: UploadStatus
    url: str

    @property
    def tone(self) -> str:
        """The color of its state."""
        return LABELS[self.status.state][0]

    @property
    def label(self) -> str | Promise:
        """Its state, in GitHub's words."""
        return LABELS[self.status.state][1]

    @property
    def sentence(self) -> str | Promise:
        """What is, or was, the matter."""
        return self.status.sentence or _SENTENCES[self.status.state]


@dataclass(frozen=True, kw_only=True)
class UploadsPage:
    """A page of the list, the newest first."""

    rows: tuple[UploadRow, ...]
    first_url: str
    next_url: str


@dataclass(frozen=True, kw_only=True)
class InstanceRow:
    """A server of the licensing page, and the last usage file that came of it."""

    state: InstanceState
    upload: UploadRow | None


@dataclass(frozen=True, kw_only=True)
class NewServer:
    """A file whose server an owner has to know first."""

    staged: StagedUpload
    header: UsageHeader

    @property
    def fingerprint(self) -> str:
        """What is compared with the page of the server."""
        return signing.fingerprint(self.header.server_key)


def uploads_page(ledger: Ledger, query: Mapping[str, str], now: datetime) -> UploadsPage:
    """Return what the address asks for, in one query."""
    slug = ledger.enterprise.slug
    path, before = reverse("cloud:usage", args=[slug]), query.get("before", "")
    uploads = uploads_of(ledger)
    is_later = before.isascii() and before.isdecimal() and len(before) <= _BIGGEST
    if is_later:
        uploads = uploads.filter(pk__lt=int(before))
    found = list(uploads[: UPLOADS_PER_PAGE + 1])
    listed = found[:UPLOADS_PER_PAGE]
    return UploadsPage(
        rows=tuple(upload_row(slug, intake, now) for intake in listed),
        first_url=f"{path}#uploads" if is_later else "",
        next_url=f"{path}?before={listed[-1].pk}#uploads" if len(found) > len(listed) else "",
    )


def upload_row(slug: str, intake: Intake, now: datetime) -> UploadRow:
    """Return what the list says of an upload."""
    return UploadRow(intake=intake, status=status_of(intake, now), url=reverse("cloud:upload", args=[slug, intake.pk]))


def with_uploads(ledger: Ledger, states: Iterable[InstanceState], now: datetime) -> list[InstanceRow]:
    """Add the last upload of each of the servers, in one query at most."""
    states, slug = list(states), ledger.enterprise.slug
    uploads = uploads_of(ledger).filter(pk__in=[state.last_upload for state in states if state.last_upload])
    rows = {row.installation_id: upload_row(slug, row, now) for row in uploads}
    return [InstanceRow(state=state, upload=rows.get(state.installation.pk)) for state in states]


def upload_behind(ledger: Ledger, revision: Revision) -> Intake | None:
    """Return the usage file that made a revision; None for what came over the wire, and for what is forgotten."""
    if revision.snapshot_id is None:
        return None
    return uploads_of(ledger).filter(snapshot_id=revision.snapshot_id).first()


def new_server(staged: StagedUpload) -> NewServer:
    """Read whose file it is; the signature was checked before it was stored."""
    stream: Any = open_upload(staged)
    return NewServer(staged=staged, header=read_head(stream).header)
