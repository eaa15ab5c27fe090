"""The doctor of the cloud's side: its receipt key, its jobs, and what it saw of each server.

A cloud never connects to a server, so its direction of the line is what arrived: when, how it ended, and what the
server said of itself.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from cloud.claims import waiting
from cloud.domains.states import Standing, domain_states
from cloud.instances import InstanceState, instance_states
from cloud.models import Installation, Intake, Ledger
from cloud.signer import newest_signer, waiting_for
from cloud.suspects import runs
from enterprises.doctor import LATE, Check, Checks, Status, guarded, local_checks, this_console, with_reason, work_check
from enterprises.models import Enterprise
from wire import signing


def cloud_checks(ledgers: Callable[[], Sequence[Ledger]], at: datetime) -> list[Check]:
    """The key and the jobs of the cloud, then each server as it was last seen."""

    def of_books() -> Checks:
        yield _receipt_key()
        yield _work(at)
        for ledger in ledgers():
            states = instance_states(ledger, at)
            yield from (_server(state) for state in states)
            if not states:
                yield _nobody(ledger)
            yield from _domains(ledger, at)

    return guarded(this_console(), of_books)


def ledgers_to_check(**only: int) -> list[Ledger]:
    """Every account's books for the command, or those that a page is about."""
    return list(Ledger.objects.select_related("enterprise").filter(**only).order_by("enterprise__slug"))


def _receipt_key() -> Check:
    name = _("Receipt key")
    signer = newest_signer()
    if signer is None:
        seen = _("There is none yet: the first server that connects makes it.")
        return Check(about=this_console(), name=name, status=Status.NOT_APPLICABLE, seen=seen)
    public = signing.public_text(signing.load_identity_key(signer.private_key).public_key())
    if public == signer.public_key:
        seen = _("Receipts are signed with %(kid)s.") % {"kid": signer.kid}
        if signer.endorsement and (count := waiting_for(signer).count()):
            seen = _(
                "Receipts are signed with %(kid)s; servers that still get theirs under an older key: %(count)d."
            ) % {
                "kid": signer.kid,
                "count": count,
            }
        return Check(about=this_console(), name=name, status=Status.OK, seen=seen)
    return Check(
        about=this_console(),
        name=name,
        status=Status.FAILED,
        seen=_("The private key of %(kid)s is not the one that servers were told of.") % {"kid": signer.kid},
        next_step=_("Restore the database as a whole from its last backup."),
    )


def is_work_late(at: datetime) -> bool:
    """Whether something has been due for so long that no worker can be alive."""
    since = at - LATE
    unapplied = waiting(since).filter(opened_at__lt=since).exists()
    unsearched = runs.waiting(since).filter(requested_at__lt=since).exists()
    return unapplied or unsearched or Intake.objects.filter(state__in=Intake.OPEN, expires_at__lt=since).exists()


def _work(at: datetime) -> Check:
    step = _("Check that the worker and the beat of this cloud are running.")
    return work_check(is_late=is_work_late(at), next_step=step)


def _nobody(ledger: Ledger) -> Check:
    return Check(
        about=ledger.enterprise.slug,
        name=_("Servers"),
        status=Status.NOT_APPLICABLE,
        seen=_("No server is connected to this account."),
        next_step=_("An owner enables GitHub Connect on a server and chooses this account."),
    )


def _server(state: InstanceState) -> Check:
    installation = state.installation
    status = {"success": Status.OK, "danger": Status.FAILED, "neutral": Status.NOT_APPLICABLE}.get(
        state.tone, Status.WARNING
    )
    return Check(
        about=str(installation.hostname),
        name=_("Server as last seen"),
        status=status,
        seen=f"{with_reason(state.label, state.problem)} {_contact(installation)}",
        next_step="" if status in {Status.OK, Status.NOT_APPLICABLE} else _next_step(state),
    )


def _domains(ledger: Ledger, at: datetime) -> Checks:
    """Those that need an owner; one that waits for its record, or is verified, does not."""
    for state in domain_states(ledger, at, {}):
        if state.standing in {Standing.RECORD_MISSING, Standing.LAPSED}:
            yield Check(
                about=ledger.enterprise.slug,
                name=_("Verified domain"),
                status=Status.WARNING,
                seen=f"{state.name}: {state.label}. {state.sentence}",
                next_step=str(state.next_step),
            )


def _contact(installation: Installation) -> str:
    seen = [installation.created_at, installation.record_at, installation.last_attempt_at, installation.last_sync_at]
    last = max(moment for moment in seen if moment is not None)
    return _("It was last heard on %(date)s UTC.") % {"date": f"{last:%Y-%m-%d %H:%M}"}


def _next_step(state: InstanceState) -> str:
    if state.upload_state or state.installation.state == Installation.State.BY_FILE:
        return _("Export license usage on the License page of that server, then upload the file to this account.")
    if state.problem:
        return _("The License page of that server says what to do next.")
    return _("Run the doctor on that server: a cloud never connects to a server, so only the server can say why.")


def page_checks(enterprise: Enterprise, at: datetime) -> list[Check]:
    """This console and one account, for its page."""
    return [*local_checks(), *cloud_checks(lambda: ledgers_to_check(enterprise=enterprise.pk), at)]
