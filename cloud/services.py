"""What people and programs may do to the cloud's books: one transaction each, with its audit row."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from cloud import consumption, matching, tasks
from cloud.locks import locked
from cloud.members import Format, MemberChange, Readable, apply_members, read_members, staged_members, staged_numbers
from cloud.models import (
    AppToken,
    Channel,
    ConsumedLicense,
    Installation,
    Intake,
    IntakePart,
    Ledger,
    Revision,
    SuspectRun,
)
from cloud.people import EVERYBODY, PeopleFilter
from cloud.shares import RemovalEffect, removal_effect
from cloud.signer import current_signer
from cloud.staging import execute
from cloud.suspects import returning, runs
from enterprises.audit import record
from enterprises.models import Enterprise, StagedUpload, User


class EffectChanged(Exception):
    """What was about to be done would do something else by now."""

    def __init__(self, effect: RemovalEffect) -> None:
        super().__init__(effect)
        self.effect = effect


@transaction.atomic
def open_ledger(*, enterprise: Enterprise, seats_purchased: int = 0, at: datetime) -> Ledger:
    """Open the books of a cloud account, and make sure that receipts can be signed."""
    current_signer(at)
    return Ledger.objects.create(enterprise=enterprise, seats_purchased=seats_purchased)


def set_seats_purchased(*, ledger: Ledger, seats_purchased: int, by: User | None, at: datetime, ip: str = "") -> None:
    """Write down how many licenses were bought; it changes nothing that is consumed."""
    with locked(ledger) as held:
        before = held.seats_purchased
        held.seats_purchased = seats_purchased
        held.save(update_fields=["seats_purchased"])
        consumption.note_day(held, at)
        record(
            enterprise=held.enterprise,
            action="license.update",
            by=by,
            at=at,
            ip=ip,
            before={"seats_purchased": before},
            after={"seats_purchased": seats_purchased},
        )


@transaction.atomic
def request_search(*, ledger: Ledger, by: User | None, at: datetime, ip: str = "", wakes: bool = True) -> SuspectRun:
    """Have a worker look for people who are probably one; where that is under way already, return that search.

    ``wakes`` is False for whoever does it themselves.
    """
    run, is_new = runs.request(ledger, at, by=by)
    if is_new:
        record(enterprise=ledger.enterprise, action="duplicate.search", by=by, at=at, ip=ip)
        if wakes:
            transaction.on_commit(lambda: tasks.publish_search(run.pk))
    return run


def set_managed_users(*, ledger: Ledger, managed_users: bool, by: User | None, at: datetime, ip: str = "") -> None:
    """Say whether the company owns its members' accounts: that decides who sees which address, and counts nothing."""
    with locked(ledger) as held:
        before = held.managed_users
        if before == managed_users:
            return
        held.managed_users = managed_users
        held.save(update_fields=["managed_users"])
        record(
            enterprise=held.enterprise,
            action="config_entry.update",
            by=by,
            at=at,
            ip=ip,
            target="managed_users",
            before={"managed_users": before},
            after={"managed_users": managed_users},
        )


def record_download(
    *, ledger: Ledger, by: User | None, at: datetime, ip: str = "", wanted: PeopleFilter = EVERYBODY
) -> None:
    """Audit that somebody takes the list of people away, or a part of it."""
    narrowing = wanted.narrowing
    # Names alone: what was looked for may be somebody's address.
    after = {"report": "people", "filters": sorted(narrowing)} if narrowing else None
    record(enterprise=ledger.enterprise, action="report.download", by=by, at=at, ip=ip, after=after)


def record_person_data(*, license_: ConsumedLicense, by: User | None, at: datetime, ip: str = "") -> None:
    """Audit that all that is held about a person is taken away, by a number that names nobody once they are gone."""
    record(
        enterprise=license_.ledger.enterprise,
        action="person_data.download",
        by=by,
        at=at,
        ip=ip,
        target=f"#{license_.pk}",
    )


def import_members(
    *,
    ledger: Ledger,
    stream: Readable,
    format: Format | None = None,  # noqa: A002
    by: User | None,
    at: datetime,
    partial: bool = False,
    allow_shrink: bool = False,
    ip: str = "",
) -> MemberChange:
    """Make a file the list of members, or add to it with ``partial``; all of the file or nothing.

    The file is read before the books are locked.

    :raises cloud.members.MembersInvalid: with the number of the first bad line.
    :raises cloud.members.ShrinkNotAllowed: many would go and ``allow_shrink`` is not set.
    """
    with staged_members(read_members(stream, format)), locked(ledger) as held:
        change = apply_members(held, at=at, partial=partial, allow_shrink=allow_shrink)
        returning.after_import(held, staged_numbers() if partial else None)
        held.members_imported_at = at
        held.save(update_fields=["members_imported_at"])
        record(
            enterprise=held.enterprise,
            action="members.import",
            by=by,
            at=at,
            ip=ip,
            after={"added": change.added, "changed": change.changed, "removed": change.removed},
        )
    return change


def preview_members(
    *,
    ledger: Ledger,
    stream: Readable,
    format: Format | None = None,  # noqa: A002
    at: datetime,
    partial: bool = False,
) -> MemberChange:
    """Return what ``import_members`` would change: the same import, rolled back.

    :raises cloud.members.MembersInvalid: with the number of the first bad line.
    """
    with staged_members(read_members(stream, format)), locked(ledger, roll_back=True) as held:
        return apply_members(held, at=at, partial=partial, allow_shrink=False, is_preview=True)


def disconnect_installation(*, installation: Installation, by: User | None, at: datetime, ip: str = "") -> None:
    """Take a server's App away; its people still count until the server is removed."""
    with locked(installation.ledger_id) as ledger:
        changed = ledger.installations.filter(pk=installation.pk, state=Installation.State.CONNECTED).update(
            state=Installation.State.DISCONNECTED, disconnected_at=at
        )
        if not changed:
            return
        never_finished = ledger.installations.filter(pk=installation.pk, last_status=Installation.SyncStatus.PENDING)
        never_finished.update(last_status=Installation.SyncStatus.FAILURE, last_error=_("The server was disconnected."))
        AppToken.objects.filter(installation=installation).delete()
        # Ended before anything is deleted: a part that is coming in at this moment is either seen or refused.
        wire = Intake.objects.filter(installation=installation, channel=Channel.WIRE)
        wire.filter(state__in=Intake.OPEN).update(state=Intake.State.EXPIRED, finished_at=at)
        # A file needs no connection: it goes on.
        IntakePart.objects.filter(intake__in=wire).delete()
        record(
            enterprise=ledger.enterprise,
            action="enterprise_installation.destroy",
            by=by,
            at=at,
            ip=ip,
            target=installation.hostname,
            before={"state": Installation.State.CONNECTED.value},
            after={"state": Installation.State.DISCONNECTED.value, "accounts": installation.accounts},
        )
    installation.refresh_from_db()


def remove_installation(
    *,
    installation: Installation,
    by: User | None,
    at: datetime,
    ip: str = "",
    expected: RemovalEffect | None = None,
) -> RemovalEffect | None:
    """Remove a server and purge its accounts at once; people who are known elsewhere stay.

    Return what that did; None where the server was removed already.

    :raises EffectChanged: it would do something else than ``expected``, which somebody was shown; nothing is removed.
    """
    with locked(installation.ledger_id) as ledger, matching.working_tables():
        held = ledger.installations.select_for_update().filter(pk=installation.pk).first()
        if held is None:
            return None
        # Whoever is about to add something to the server or to a snapshot of it has done so, or finds nothing any more.
        list(held.intakes.select_for_update().values_list("pk", flat=True))
        effect = removal_effect(held)
        if expected not in {None, effect}:
            raise EffectChanged(effect)
        matching.touch_accounts("installation_id = %s", held.pk)
        execute("DELETE FROM cloud_serveraccount WHERE installation_id = %s", held.pk)
        # Files that no worker has read yet.
        StagedUpload.objects.filter(pk__in=held.intakes.exclude(upload=None).values("upload")).delete()
        removed, _counts = held.pk, held.delete()
        people = consumption.recount(ledger, Revision.Cause.REMOVAL)
        consumption.close(ledger, at, cause=Revision.Cause.REMOVAL, people=people, server=held)
        returning.after_removal(ledger, removed)
        record(
            enterprise=ledger.enterprise,
            action="enterprise_installation.destroy",
            by=by,
            at=at,
            ip=ip,
            target=held.hostname,
            before={"state": held.state, "accounts": held.accounts},
            after={"people_removed": people.removed, "licenses_freed": people.licenses_removed},
        )
    return effect


def rename_installation(*, installation: Installation, hostname: str, at: datetime) -> None:
    """Note that a server answers to another name: links and labels follow it."""
    with locked(installation.ledger_id) as ledger, matching.working_tables():
        ledger.installations.filter(pk=installation.pk).update(hostname=hostname)
        installation.refresh_from_db()
        matching.rematch_installation(installation)
        matching.touch_accounts("installation_id = %s AND rule = 'none'", installation.pk)
        people = consumption.recount(ledger, Revision.Cause.RENAME)
        consumption.close(ledger, at, cause=Revision.Cause.RENAME, people=people, server=installation)
