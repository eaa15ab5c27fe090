"""The page "What is sent": the exact lines, those that will travel and those that did."""

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from connect.models import Server
from licensesync import snapshot
from licensesync.models import SyncJob
from licensesync.pages.server import AboutServer


@dataclass(frozen=True)
class SentPage(AboutServer):
    """Lines to read and search. ``job`` is the sync that sent them; without one they are still to be sent."""

    server: Server
    lines: snapshot.LinesPage
    total: snapshot.Outgoing
    search: str
    job: SyncJob | None
    last_sent: SyncJob | None
    shows_past: bool

    @property
    def text(self) -> str:
        """The page's lines, one below the other."""
        return "\n".join(self.lines.lines)

    @property
    def lines_are_gone(self) -> bool:
        """Whether the sync is known, and its lines are not kept any more (docs/privacy.md)."""
        return self.job is not None and self.job.part_count > 0 and not self.job.parts.exists()

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """What will be sent, and what was sent."""
        url = reverse("licensesync:sent", args=[self.slug])
        return [
            {"label": _("Will be sent"), "url": url, "is_current": not self.shows_past},
            {"label": _("Was sent last"), "url": f"{url}?which=last", "is_current": self.shows_past},
        ]

    @property
    def query(self) -> str:
        """What an address has to keep, to be about the same lines."""
        return "?which=last" if self.shows_past else ""

    @property
    def kept(self) -> list[dict[str, str]]:
        """What the search form has to keep of the query."""
        return [{"name": "which", "value": "last"}] if self.shows_past else []

    @property
    def pagination(self) -> Page[int]:
        """The page's place among all pages, as the pagination component wants it."""
        return Paginator(range(self.lines.found), snapshot.PAGE_LINES).get_page(self.lines.page)


def sent_page(server: Server, *, which: str, search: str, page: int) -> SentPage:
    """The lines of the last successful sync (``which`` = last) or, otherwise, those of the next one."""
    last = snapshot.last_sent(server)
    shows_past = which == "last"
    job = last if shows_past else None
    if job is not None:
        lines = snapshot.sent_lines(job, search=search, page=page)
        total = snapshot.Outgoing(accounts=job.accounts, size=job.bytes_sent, sha256=job.sha256)
    elif shows_past:
        lines = snapshot.LinesPage(lines=(), page=1, pages=1, found=0, accounts=0)
        total = snapshot.Outgoing(accounts=0, size=0, sha256="")
    else:
        lines = snapshot.preview_lines(server, search=search, page=page)
        total = snapshot.outgoing(server)
    return SentPage(server, lines, total, search, job, last, shows_past)
