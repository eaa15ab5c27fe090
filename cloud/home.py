"""What the home page and the navigation say about cloud accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cloud.instances import Standing, hostnames_by_standing
from cloud.models import Ledger
from enterprises import home, navigation
from enterprises.models import Deployment, Enterprise

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

PAGES = (
    navigation.Page(
        label=_("People"),
        view_name="cloud:people",
        icon="people",
        order=10,
        view_names=(
            "cloud:person",
            "cloud:person_data",
        ),
    ),
    navigation.Page(
        label=_("Probably the same person"),
        view_name="cloud:duplicates",
        icon="git-merge",
        order=15,
        view_names=("cloud:duplicate", "cloud:savings"),
    ),
    navigation.Page(
        label=_("Enterprise licensing"),
        view_name="cloud:licensing",
        icon="credit-card",
        order=20,
        is_landing=True,
        group=_("Settings"),
        view_names=(
            *("cloud:seats", "cloud:remove_instance", "cloud:change", "cloud:changes"),
            *("cloud:usage", "cloud:register_usage", "cloud:upload", "cloud:apply_upload"),
            "cloud:statements",
        ),
    ),
    navigation.Page(
        label=_("Import members"),
        view_name="cloud:members",
        icon="upload",
        order=30,
        group=_("Settings"),
        view_names=("cloud:review_members",),
        owners_only=True,
    ),
    navigation.Page(
        label=_("Visible addresses"),
        view_name="cloud:addresses",
        icon="eye",
        order=35,
        group=_("Settings"),
        owners_only=True,
    ),
    navigation.Page(
        label=_("Verified & approved domains"),
        view_name="cloud:domains",
        icon="verified",
        order=40,
        group=_("Settings"),
        view_names=("cloud:add_domain", "cloud:domain", "cloud:approve_domain", "cloud:delete_domain"),
    ),
    navigation.AUDIT_LOG,
    navigation.Page(
        label=_("Doctor"),
        view_name="cloud:doctor",
        icon="shield-check",
        order=90,
        group=_("Settings"),
        owners_only=True,
    ),
)


def register() -> None:
    """Tell the shell about the cloud's side; called once when the apps are ready."""
    home.register(Deployment.CLOUD, home_states, notices_at="cloud:licensing")
    navigation.register(Deployment.CLOUD, PAGES)


def home_states(enterprises: list[Enterprise]) -> dict[int, home.HomeState]:
    """Return the state of each account and the one thing that needs somebody, in two queries for all."""
    ledgers = list(Ledger.objects.filter(enterprise__in=enterprises).select_related("enterprise"))
    servers = hostnames_by_standing(ledgers, timezone.now())
    return {ledger.enterprise_id: _state(ledger, servers.get(ledger.pk, {})) for ledger in ledgers}


def _state(ledger: Ledger, servers: Mapping[Standing, list[str]]) -> home.HomeState:
    kwargs = {"slug": ledger.enterprise.slug}
    licensing = reverse("cloud:licensing", kwargs=kwargs)
    for standing, (title, tone, need) in _NEEDS.items():
        if hostnames := servers.get(standing):
            return home.HomeState(title, tone, need % {"servers": _named(hostnames)}, licensing)
    if not ledger.consumed and not servers:
        members = reverse("cloud:members", kwargs=kwargs)
        return home.HomeState(_("Nobody is counted yet"), "neutral", _("Import the members of this account."), members)
    over = ledger.consumed - ledger.seats_purchased
    if over > 0:
        more = ngettext(
            "%(count)s license more is consumed than was purchased.",
            "%(count)s licenses more are consumed than were purchased.",
            over,
        )
        return home.HomeState(_("More consumed than purchased"), "attention", more % {"count": over}, licensing)
    if off := servers.get(Standing.SYNC_OFF):
        to_do = _("Its owner sets license sync to Enabled on its GitHub Connect page: %(servers)s.")
        return home.HomeState(_("License sync is off"), "attention", to_do % {"servers": _named(off)}, licensing)
    label = ngettext("%(count)s license consumed", "%(count)s licenses consumed", ledger.consumed) % {
        "count": ledger.consumed
    }
    return home.HomeState(label, "success")


# The worst first. A sentence that holds for one server and for many: who they are takes its place.
_NEEDS: Final[dict[Standing, tuple[_StrPromise, str, _StrPromise]]] = {
    Standing.UNDECIDED: (
        _("Waits for a server's owner"),
        "danger",
        _("Has to be decided by the server's owner, on its GitHub Connect page: %(servers)s."),
    ),
    Standing.FAILED: (_("A sync failed"), "danger", _("The last sync failed: %(servers)s.")),
    Standing.STALE: (_("A server is stale"), "attention", _("Not synced for more than 8 days: %(servers)s.")),
}


def _named(hostnames: list[str]) -> str:
    """The first server by its name, the others by their number."""
    first, others = hostnames[0], len(hostnames) - 1
    if not others:
        return first
    return ngettext("%(server)s and %(others)s other", "%(server)s and %(others)s others", others) % {
        "server": first,
        "others": others,
    }
