"""What the home page and the navigation say about cloud accounts."""

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cloud.instances import STALE_AFTER
from cloud.models import Installation, Ledger
from enterprises import home, navigation
from enterprises.models import Deployment, Enterprise

PAGES = (
    navigation.Page(label=_("People"), view_name="cloud:people", icon="people", order=10, view_names=("cloud:person",)),
    navigation.Page(
        label=_("Enterprise licensing"),
        view_name="cloud:licensing",
        icon="credit-card",
        order=20,
        is_landing=True,
        group=_("Settings"),
        view_names=("cloud:seats", "cloud:remove_instance", "cloud:change"),
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
    home.register(Deployment.CLOUD, home_states)
    navigation.register(Deployment.CLOUD, PAGES)


def home_states(enterprises: list[Enterprise]) -> dict[int, home.HomeState]:
    """Return the state of each account and the one thing that needs somebody, in one query for all."""
    stale_before = timezone.now() - STALE_AFTER
    is_connected = Q(installations__state=Installation.State.CONNECTED)
    failed = Q(installations__last_status=Installation.SyncStatus.FAILURE)
    ledgers = (
        Ledger.objects.filter(enterprise__in=enterprises)
        .select_related("enterprise")
        .annotate(
            servers=Count("installations"),
            failed=Count("installations", filter=is_connected & failed),
            stale=Count("installations", filter=is_connected & Q(installations__last_sync_at__lt=stale_before)),
        )
    )
    return {ledger.enterprise_id: _state(ledger) for ledger in ledgers}


def _state(ledger: Ledger) -> home.HomeState:
    kwargs = {"slug": ledger.enterprise.slug}
    licensing = reverse("cloud:licensing", kwargs=kwargs)
    failed: int = getattr(ledger, "failed", 0)
    stale: int = getattr(ledger, "stale", 0)
    over = ledger.consumed - ledger.seats_purchased
    label = ngettext("%(count)s license consumed", "%(count)s licenses consumed", ledger.consumed) % {
        "count": ledger.consumed
    }
    if failed:
        need = ngettext(
            "The last sync of %(count)s server failed.", "The last syncs of %(count)s servers failed.", failed
        )
        return home.HomeState(_("A sync failed"), "danger", need % {"count": failed}, licensing)
    if stale:
        need = ngettext(
            "%(count)s server has not synced for more than 8 days.",
            "%(count)s servers have not synced for more than 8 days.",
            stale,
        )
        return home.HomeState(_("A server is stale"), "attention", need % {"count": stale}, licensing)
    if not ledger.consumed and not getattr(ledger, "servers", 0):
        members = reverse("cloud:members", kwargs=kwargs)
        return home.HomeState(_("Nobody is counted yet"), "neutral", _("Import the members of this account."), members)
    if over > 0:
        need = ngettext(
            "%(count)s license more is consumed than was purchased.",
            "%(count)s licenses more are consumed than were purchased.",
            over,
        )
        return home.HomeState(_("More consumed than purchased"), "attention", need % {"count": over}, licensing)
    return home.HomeState(label, "success")
