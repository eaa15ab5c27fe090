"""What the home page and the navigation say about servers."""

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from connect.models import Server
from enterprises import home, navigation
from enterprises.models import Deployment, Enterprise
from licensesync.models import SeatSource
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
    home.register(Deployment.SERVER, home_states)
    navigation.register(Deployment.SERVER, PAGES)


def home_states(enterprises: list[Enterprise]) -> dict[int, home.HomeState]:
    """Return where each server stands and the one thing that needs somebody, in four queries for all."""
    servers = Server.objects.filter(enterprise__in=enterprises).select_related("enterprise", "connection")
    have_seats = Q(seat_source__isnull=False) | Q(source_config__kind__in=(SeatSource.Kind.GHES, SeatSource.Kind.FILE))
    with_seats = set(servers.filter(have_seats).values_list("pk", flat=True))
    states = connection_states([server.connection.pk for server in servers], timezone.now())
    return {
        server.enterprise_id: _state(server, states[server.connection.pk], has_seats=server.pk in with_seats)
        for server in servers
    }


def _state(server: Server, state: ConnectionState, *, has_seats: bool) -> home.HomeState:
    kwargs = {"slug": server.enterprise.slug}
    if not has_seats:
        seats = reverse("licensesync:seats", kwargs=kwargs)
        return home.HomeState(state.label, state.tone, _("Import the seats of this server."), seats)
    # Why it failed stands on the License page, and so does the way on, and the form of the license that owners alone
    # see; a decision has a page of its own.
    fails = (state.error_code and state.code != StateCode.NEEDS_DECISION) or state.code == StateCode.LICENSE_EXPIRED
    url = reverse(f"licensesync:{'license' if fails else state.place}", kwargs=kwargs)
    return home.HomeState(
        state.label, state.tone, state.next_step, url, state.reason or " ".join(map(str, state.remarks))
    )
