"""What needs the owner of a cloud account: a server that does not sync any more, licenses that run out, and a
domain whose record is gone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import dateparse, formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cloud.domains.names import shown
from cloud.domains.proving import GRACE
from cloud.instances import STALE_AFTER, is_switched_off
from cloud.models import DomainChallenge, Installation, Ledger
from enterprises.models import Notice
from enterprises.notices import Cause, Words, register

FILE_STALE_AFTER: Final = timedelta(days=35)
"""Files are carried by hand: once a month is often enough not to be reminded."""
NEARLY_ALL: Final = 0.9
"""Of the licenses that were purchased: from here on owners are told."""


def current(at: datetime) -> Iterator[Cause]:
    """Everything that is so now, in three queries for all accounts."""
    connected = Q(state=Installation.State.CONNECTED, heard_at__lt=at - STALE_AFTER)
    by_file = Q(state=Installation.State.BY_FILE, heard_at__lt=at - FILE_STALE_AFTER)
    late = (
        Installation.objects.alias(heard_at=Coalesce("last_sync_at", "created_at"))
        .filter(connected | by_file)
        .select_related("ledger")
        .defer("app_key", "next_app_key")
    )
    for server in late:
        if not is_switched_off(server):
            synced_at = server.last_sync_at.isoformat() if server.last_sync_at else ""
            yield Cause(
                enterprise_id=server.ledger.enterprise_id,
                code="server_stale",
                key=str(server.pk),
                facts={"hostname": server.hostname, "last_success": synced_at, "state": server.state},
            )
    for challenge in DomainChallenge.objects.filter(missing_since__isnull=False).select_related("ledger"):
        if since := challenge.missing_since:
            yield Cause(
                enterprise_id=challenge.ledger.enterprise_id,
                code="domain_record_missing",
                key=challenge.domain,
                stage=1 + (challenge.lapsed_at is not None),
                facts={"domain": shown(challenge.domain), "until": (since + GRACE).isoformat()},
            )
    for ledger in Ledger.objects.filter(seats_purchased__gt=0):
        if ledger.consumed >= NEARLY_ALL * ledger.seats_purchased:
            yield Cause(
                enterprise_id=ledger.enterprise_id,
                code="licenses_consumed",
                stage=1 + (ledger.consumed >= ledger.seats_purchased),
                facts={"used": ledger.consumed, "total": ledger.seats_purchased},
            )


def _server_stale(notice: Notice) -> Words:
    moment = dateparse.parse_datetime(notice.facts["last_success"])
    if notice.facts.get("state") == Installation.State.BY_FILE:
        return _file_missing(notice, moment)
    if moment:
        day = formats.date_format(timezone.localtime(moment), "DATE_FORMAT")
        text = _("Its last license sync arrived on %(day)s. Until the next one its people count as they were.")
        text %= {"day": day}
    else:
        text = _("It is connected, and no license sync has arrived yet. Its people are not counted.")
    return Words(
        title=_("%(hostname)s has not synced for more than 8 days") % notice.facts,
        text=text,
        next_step=_("Look at the License page of that server: it says why. A server that is gone can be removed."),
        view_name="cloud:licensing",
    )


def _file_missing(notice: Notice, moment: datetime | None) -> Words:
    text = _("It is registered, and no usage file was applied yet. Its people are not counted.")
    if moment:
        day = formats.date_format(timezone.localtime(moment), "DATE_FORMAT")
        text = _("Its last usage file was applied on %(day)s. Until the next one its people count as they were.")
        text %= {"day": day}
    facts = notice.facts | {"count": FILE_STALE_AFTER.days}
    return Words(
        title=_("No usage file of %(hostname)s for more than %(count)d days") % facts,
        text=text,
        next_step=_(
            "Export license usage on its License page and upload the file. A server that is gone can be removed."
        ),
        view_name="cloud:licensing",
    )


def _licenses_consumed(notice: Notice) -> Words:
    facts = notice.facts
    numbers = {name: formats.number_format(facts[name], force_grouping=True) for name in ("used", "total")}
    text = ngettext(
        "%(used)s of %(total)s purchased license is consumed.",
        "%(used)s of %(total)s purchased licenses are consumed.",
        facts["total"],
    )
    title = _("%(share)d %% of the purchased licenses are consumed") % {"share": 100 * NEARLY_ALL}
    if notice.stage > 1:
        title = _("All purchased licenses are consumed")
    return Words(
        title=title,
        text=text % numbers,
        next_step=_("Buy more licenses, or look at People for those who need none. Nobody is locked out."),
        view_name="cloud:licensing",
    )


def _domain_record_missing(notice: Notice) -> Words:
    facts = notice.facts | {"count": GRACE.days}
    if notice.stage > 1:
        return Words(
            title=_("%(domain)s is not verified any more") % facts,
            text=_("Its DNS record was missing for %(count)d days. Members' addresses there may not be shown any more.")
            % facts,
            next_step=_("Make a new code and publish it, or approve or delete the domain."),
            view_name="cloud:domains",
        )
    moment = dateparse.parse_datetime(facts["until"])
    day = formats.date_format(timezone.localtime(moment), "DATE_FORMAT") if moment else ""
    return Words(
        title=_("The DNS record of %(domain)s is missing") % facts,
        text=_("Without it the domain stays verified until %(day)s.") % {"day": day},
        next_step=_("Publish the same record again, then verify."),
        view_name="cloud:domains",
    )


def announce() -> None:
    """Tell how each cause is said; called once when the apps are ready."""
    register(
        {
            "server_stale": _server_stale,
            "licenses_consumed": _licenses_consumed,
            "domain_record_missing": _domain_record_missing,
        }
    )
