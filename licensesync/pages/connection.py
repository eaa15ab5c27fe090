"""What the GitHub Connect page shows in each of its states."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from connect.models import Connection, Server
from enterprises import moments
from licensesync import snapshot
from licensesync.forms import DisableForm, EnableForm
from licensesync.pages.problems import ConnectProblem, problem_of
from licensesync.pages.record import record_note, record_rows
from licensesync.pages.server import AboutServer, source_of
from licensesync.pages.state_band import Stage, StateBand, state_band

SAMPLE_LINES = 3


@dataclass(frozen=True)
class Sending:
    """What would travel, in short: how many accounts, and the first of their lines."""

    accounts: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(self.lines)


@dataclass(frozen=True, kw_only=True)
class ConnectionPage(AboutServer):
    """The GitHub Connect page of one server."""

    server: Server
    at: datetime
    band: StateBand
    enable_form: EnableForm
    disable_form: DisableForm
    sending: Sending | None
    problem: ConnectProblem | None
    is_owner: bool

    @property
    def stage(self) -> Stage:
        """Which of the page's faces is shown."""
        return self.band.stage

    @property
    def may_be_a_copy(self) -> bool:
        """Whether nobody has said yet that this server is the original, whose App it would take along."""
        return self.band.state.may_be_a_copy

    @property
    def was_disconnected(self) -> bool:
        """Whether there was a connection before."""
        return self.connection.state == Connection.State.DISCONNECTED and bool(self.connection.account_slug)

    @property
    def can_retry(self) -> bool:
        """Whether the one-time code is kept, so that only its exchange has to be repeated."""
        return bool(self.connection.pending_code)

    @property
    def minutes_left(self) -> int:
        """Whole minutes until the setup expires, rounded up."""
        until = self.connection.pending_until
        return 0 if until is None else max(1, -(-int((until - self.at).total_seconds()) // 60))

    @property
    def clouds(self) -> list[str]:
        """The clouds that one may connect to."""
        return list(settings.CLOUD_URLS)

    @property
    def only_cloud(self) -> str:
        """The host name of the one cloud, where there is no choice."""
        return urlsplit(self.clouds[0]).netloc if self.clouds else ""

    @property
    def cloud_host(self) -> str:
        """The host name of the cloud that is, was or is about to be connected."""
        return urlsplit(self.connection.cloud_url).netloc

    @property
    def account(self) -> str:
        """The cloud account's name."""
        return self.connection.account_name or self.connection.account_slug

    @property
    def can_toggle(self) -> bool:
        """Whether this person may set the dropdown now."""
        return self.is_owner and self.connection.is_connected

    @property
    def sync_sentence(self) -> str | Promise:
        """What the row's setting means right now."""
        if not self.connection.is_connected:
            return _("Nothing is sent before GitHub Connect is enabled.")
        if not self.connection.license_sync_enabled:
            return _("This server is connected, but license sync is off: no people's data is sent.")
        return _("Every seven days, and whenever an owner presses Sync now on the License page.")

    @property
    def connection_rows(self) -> list[dict[str, Any]]:
        """To whom this server is connected, since when and by whom, as facts."""
        connection = self.connection
        since = connection.connected_at
        by = connection.connected_by
        return [
            {
                "label": _("Cloud account"),
                "value": self.account,
                "help": f"{self._account_kind} · {connection.account_slug}",
            },
            {"label": _("Cloud"), "value": self.cloud_host, "url": self.count_url},
            {
                "label": _("Connected since"),
                "value": moments.in_words(since) if since else "",
                "help": _("by %(person)s") % {"person": by.display_name} if by else _("by somebody who has left"),
            },
            {"label": _("This server"), "value": self.server.hostname, "help": str(self.server.server_id)},
            {
                "label": _("GitHub App"),
                "value": connection.app_id,
                "help": _("Installation %(id)s. Its private key never leaves this server; tokens last one hour.")
                % {"id": connection.installation_id},
            },
        ]

    @property
    def _account_kind(self) -> str:
        return _("Organization") if self.connection.account_kind == "organization" else _("Enterprise")

    @property
    def count_url(self) -> str:
        """Where the cloud shows what it counts; its roles decide who sees it."""
        return f"{self.connection.cloud_url}/enterprises/{self.connection.account_slug}/licensing"

    @property
    def record_rows(self) -> list[dict[str, Any]]:
        """What the connection record says now."""
        return record_rows(self.connection)

    @property
    def record_note(self) -> str:
        """How often it goes out."""
        return record_note(self.connection)


def connection_page(
    server: Server,
    *,
    at: datetime,
    is_owner: bool,
    problem: str = "",
    enable_form: EnableForm | None = None,
    disable_form: DisableForm | None = None,
) -> ConnectionPage:
    """The page as of a moment; ``problem`` names why a setup did not end in a connection."""
    return ConnectionPage(
        server=server,
        at=at,
        band=state_band(server, at, is_owner=is_owner),
        enable_form=enable_form or EnableForm(),
        disable_form=disable_form or DisableForm(),
        sending=_sending(server),
        problem=problem_of(problem, server=server),
        is_owner=is_owner,
    )


def _sending(server: Server) -> Sending | None:
    if source_of(server) is None:
        return None
    page = snapshot.preview_lines(server)
    return Sending(page.accounts, page.lines[:SAMPLE_LINES])
