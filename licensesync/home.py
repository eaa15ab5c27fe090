"""What the home page and the navigation say about servers."""

from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from connect.models import Server
from enterprises import home, navigation
from enterprises.models import Deployment, Enterprise
from licensesync.models import SeatSource
from licensesync.pages.license import LicensePage, license_page
from licensesync.state import ConnectionState, StateCode, connection_states

PAGES = (
    navigation.Page(
        label=_("GitHub Connect"),
        view_name="licensesync:connection",
        icon="plug",
        order=10,
        view_names=("licensesync:connection_enable", "licensesync:connection_disable", "licensesync:decision"),
    ),
    navigation.Page(
        label=_("License"),
        view_name="licensesync:license",
        icon="credit-card",
        order=20,
        group=_("Settings"),
        view_names=(
            "licensesync:license_edit",
            "licensesync:preview",
            "licensesync:sent",
            "licensesync:syncs",
            "licensesync:sync",
            "licensesync:receipt",
            "licensesync:users",
            "licensesync:usage_file",
        ),
    ),
    navigation.Page(
        label=_("Seats"),
        view_name="licensesync:seats",
        icon="people",
        order=30,
        group=_("Settings"),
        view_names=("licensesync:seats_preview", "licensesync:seat_source"),
    ),
    navigation.AUDIT_LOG,
    navigation.Page(
        label=_("Doctor"),
        view_name="licensesync:doctor",
        icon="shield-check",
        order=90,
        group=_("Settings"),
        owners_only=True,
    ),
)


def register() -> None:
    """Tell the shell about the server's side; called once when the apps are ready."""
    home.register(Deployment.SERVER, home_states, notices_at="licensesync:license")
    navigation.register(Deployment.SERVER, PAGES)


def home_states(enterprises: list[Enterprise]) -> dict[int, home.HomeState]:
    """Return where each server stands and the one thing that needs somebody, in four queries for all."""
    at = timezone.now()
    together = ("enterprise", "connection", "license", "seat_source")
    servers = Server.objects.filter(enterprise__in=enterprises).select_related(*together)
    have_seats = Q(seat_source__isnull=False) | Q(source_config__kind__in=(SeatSource.Kind.GHES, SeatSource.Kind.FILE))
    with_seats = set(servers.filter(have_seats).values_list("pk", flat=True))
    states = connection_states([server.connection.pk for server in servers], at)
    return {
        server.enterprise_id: _state(server, states[server.connection.pk], at, has_seats=server.pk in with_seats)
        for server in servers
    }


def _state(server: Server, state: ConnectionState, at: datetime, *, has_seats: bool) -> home.HomeState:
    kwargs = {"slug": server.enterprise.slug}
    page = license_page(server, at)
    if not has_seats:
        seats = reverse("licensesync:seats", kwargs=kwargs)
        said = home.HomeState(state.label, state.tone, _("Import the seats of this server."), seats)
        return _warned(said, page, is_expiry_said=False)
    # Why it failed stands on the License page, and so does the way on; a decision has a page of its own.
    fails = state.error_code and state.code != StateCode.NEEDS_DECISION
    url = reverse(f"licensesync:{'license' if fails else state.place}", kwargs=kwargs)
    said = home.HomeState(
        state.label, state.tone, state.next_step, url, state.reason or " ".join(map(str, state.remarks))
    )
    is_reason = state.code == StateCode.LICENSE_EXPIRED or not state.reason
    return _warned(said, page, is_expiry_said=is_reason and state.license_expired_on is not None)


def _warned(said: home.HomeState, page: LicensePage, *, is_expiry_said: bool) -> home.HomeState:
    """Add what the License page warns of; nothing is green while it does."""
    warnings = [page.expiry_sentence] if page.expiry_tone and not is_expiry_said else []
    if page.use.is_over and page.use.total is not None:
        over = page.use.used - page.use.total
        more = ngettext(
            "%(over)s seat more is used than was bought.", "%(over)s seats more are used than were bought.", over
        )
        warnings.append(more % {"over": formats.number_format(over, force_grouping=True)})
    if not warnings:
        return said
    license_url = reverse("licensesync:license", kwargs={"slug": page.slug})
    return home.HomeState(
        said.label,
        "attention" if said.tone in {"success", "accent"} else said.tone,
        said.need or _("Look at the license."),
        said.url if said.need else license_url,
        " ".join(filter(None, [str(said.reason), *warnings])),
    )
