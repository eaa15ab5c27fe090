"""What only an owner can decide after the cloud refused a sync: which server is the original, or whether so many go.

A refusal is decided once: the first choice is written on its job, in the transaction that carries it out, and nobody
else decides while the cloud is asked. Whoever comes later is told. docs/operations.md, "Decisions".
"""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from connect import failures, transitions
from connect import services as connecting
from connect.models import Connection, FileAccount, Server, validate_hostname
from enterprises import audit
from enterprises.models import User
from enterprises.outbound import Adapter
from licensesync import jobs, services
from licensesync.models import SyncJob
from licensesync.state import is_of_this_connection
from wire import signing
from wire.messages import Base, ErrorCode, Held

CUT_OFF: Final = frozenset({failures.NOT_AUTHORIZED, str(ErrorCode.BAD_CREDENTIALS)})


class Choice(enum.StrEnum):
    """What an owner may answer."""

    ORIGINAL = "original"
    COPY = "copy"
    SHRINK = "shrink"


_CHOICES: Final[dict[str, tuple[Choice, ...]]] = {
    ErrorCode.REVISION_CONFLICT: (Choice.ORIGINAL, Choice.COPY),
    ErrorCode.HOSTNAME_CHANGED: (Choice.ORIGINAL, Choice.COPY),
    ErrorCode.SHRINK_UNCONFIRMED: (Choice.SHRINK,),
    # Another one was called the original, or the key is lost: the cloud believes nothing that we could say.
    **dict.fromkeys(CUT_OFF, (Choice.COPY,)),
}


class NothingToDecide(Exception):
    """Somebody has decided, or another attempt told something new."""

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return _("This was decided already, or another sync came in between. Nothing was changed.")


class HeldUnknown(Exception):
    """An older cloud does not say what it holds, so that it cannot be adopted."""

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return _(
            "The cloud runs a version that does not say what it holds. Disable GitHub Connect, then enable it again: "
            "that adopts what the cloud holds."
        )


class NameTaken(Exception):
    """The copy would have the name of the original."""

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return _("The original has this name. A copy needs a host name of its own, for the cloud lets no namesake in.")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A refused sync that waits for an owner; ``held`` is what the cloud had then, None where it did not say."""

    job: SyncJob
    connection: Connection
    held: Held | None

    @property
    def code(self) -> str:
        """Why the sync was refused."""
        return self.job.error_code

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What may be answered."""
        return _CHOICES[self.code]


def pending(connection: Connection) -> Decision | None:
    """Return what waits for an owner, None where nothing does: in one query."""
    if not connection.is_connected:
        return None
    usage = SyncJob.objects.filter(connection=connection, kind=SyncJob.Kind.USAGE)
    # Whoever cancels an attempt decides nothing about the one before it: `licensesync.state` says the same.
    judged = usage.filter(started_at__isnull=False).exclude(state=SyncJob.State.CANCELLED)
    job = judged.order_by("-pk").first()
    if job is None or job.state != SyncJob.State.FAILED or job.error_code not in _CHOICES or job.decision:
        return None
    if not is_of_this_connection(connection, job):
        return None
    held = msgspec.convert(job.cloud_held, Held) if job.cloud_held else None
    return Decision(job=job, connection=connection, held=held)


def confirm_original(
    *,
    connection: Connection,
    job_id: int,
    by: User | None,
    at: datetime,
    trigger: SyncJob.Trigger = SyncJob.Trigger.PERSON,
    ip: str = "",
    adapter: Adapter | None = None,
) -> SyncJob | None:
    """This server is the original: copies are cut off, what the cloud holds is adopted, and a sync begins.

    None where license sync was disabled meanwhile. No transaction: the cloud is asked in the middle.

    :raises NothingToDecide: somebody decided already
    :raises HeldUnknown: the cloud is of an older version
    :raises connect.failures.CloudFailure: nothing was decided; it may be done again
    """
    decision = _pending(connection, job_id, Choice.ORIGINAL)
    held = decision.held
    if held is None:
        raise HeldUnknown
    # Before the cloud is asked: whoever calls it a copy meanwhile would throw away the only key that is left.
    lease = _reserve(decision, at)
    try:
        connecting.cut_off_copies(connection=connection, known_as=held.hostname, by=by, at=at, ip=ip, adapter=adapter)
        return _go_on(decision, held, lease, by=by, at=at, trigger=trigger, ip=ip)
    except BaseException:
        SyncJob.objects.filter(pk=job_id, lease_until=lease).update(lease_until=None)
        raise


def _go_on(
    decision: Decision, held: Held, lease: datetime, *, by: User | None, at: datetime, trigger: SyncJob.Trigger, ip: str
) -> SyncJob | None:
    connection = decision.connection
    base = Base(revision=held.revision, snapshot_id=held.snapshot_id) if held.snapshot_id else None
    with transaction.atomic():
        _decide(decision, Choice.ORIGINAL, Q(lease_until=lease))
        if not transitions.adopt(connection, base=base):
            raise NothingToDecide
        _audit(decision, Choice.ORIGINAL, by=by, at=at, ip=ip, adopted_revision=held.revision)
        try:
            return services.request_sync(connection=connection, by=by, at=at, trigger=trigger, ip=ip)
        except services.SyncDisabled:
            return None


def confirm_copy(
    *, connection: Connection, job_id: int, hostname: str, by: User | None, at: datetime, ip: str = ""
) -> str:
    """This server is a copy: it gets an id, a name and keys of its own, and no connection. The cloud hears nothing.

    Answer its name.

    :raises NothingToDecide: somebody decided already
    :raises NameTaken: the original is called so
    :raises django.core.exceptions.ValidationError: it is no host name
    """
    decision = _pending(connection, job_id, Choice.COPY)
    name = checked_name(hostname, taken=decision.held.hostname if decision.held else "")
    with transaction.atomic():
        _decide(decision, Choice.COPY, _free(at))
        _become_another(server=connection.server, hostname=name, by=by, at=at, ip=ip)
    return name


def become_copy(*, server: Server, hostname: str, taken: str, by: User | None, at: datetime, ip: str = "") -> str:
    """A server that the cloud does not let in, since its original is there, is called a copy; see `confirm_copy`.

    :raises NothingToDecide: somebody did so already, or connected it
    :raises NameTaken: the original is called so
    :raises django.core.exceptions.ValidationError: it is no host name
    """
    if server.connection.is_connected:
        raise NothingToDecide
    name = checked_name(hostname, taken=taken)
    _become_another(server=server, hostname=name, by=by, at=at, ip=ip)
    return name


@transaction.atomic
def _become_another(*, server: Server, hostname: str, by: User | None, at: datetime, ip: str) -> None:
    before = {"server_id": str(server.server_id), "hostname": server.hostname}
    before["installation_id"] = str(server.connection.installation_id or "")
    identity_key = signing.private_pem(signing.new_identity_key())
    if not transitions.split_off(server.connection, hostname=hostname, identity_key=identity_key):
        raise NothingToDecide
    server.refresh_from_db()
    jobs.end_stranded(at)
    jobs.end_files(server.connection, at)
    FileAccount.objects.filter(server=server).delete()
    audit.record(
        enterprise=server.enterprise,
        action="license_sync.declared_copy",
        by=by,
        at=at,
        ip=ip,
        target=hostname,
        before=before,
        after={"server_id": str(server.server_id), "hostname": hostname},
    )


@transaction.atomic
def confirm_shrink(
    *,
    connection: Connection,
    job_id: int,
    by: User | None,
    at: datetime,
    trigger: SyncJob.Trigger = SyncJob.Trigger.PERSON,
    ip: str = "",
) -> SyncJob:
    """So many accounts are meant to go: a sync begins that may remove them.

    :raises NothingToDecide: somebody decided already
    :raises NotConnected, SyncDisabled: see `licensesync.services.request_sync`
    """
    decision = _pending(connection, job_id, Choice.SHRINK)
    _decide(decision, Choice.SHRINK, _free(at))
    job = services.request_sync(connection=connection, by=by, at=at, trigger=trigger, allow_shrink=True, ip=ip)
    if not job.allow_shrink:
        # Another sync is on its way with what it said before; the cloud asks again after it.
        raise NothingToDecide
    return job


def checked_name(hostname: str, *, taken: str) -> str:
    """Return the host name of a copy.

    :raises NameTaken: it is the original's
    :raises django.core.exceptions.ValidationError: it is none
    """
    name = hostname.strip().lower()
    validate_hostname(name)
    if name == taken:
        raise NameTaken
    return name


def _pending(connection: Connection, job_id: int, choice: Choice) -> Decision:
    connection.refresh_from_db()
    decision = pending(connection)
    if decision is None or decision.job.pk != job_id or choice not in decision.choices:
        raise NothingToDecide
    return decision


def _reserve(decision: Decision, at: datetime) -> datetime:
    """Keep every other choice out while the cloud is asked; whoever dies over it does so for some minutes only."""
    lease = at + jobs.LEASE
    if not _undecided(decision).filter(_free(at)).update(lease_until=lease):
        raise NothingToDecide
    return lease


def _decide(decision: Decision, choice: Choice, is_mine: Q) -> None:
    """Write the choice on the refused job, once."""
    if not _undecided(decision).filter(is_mine).update(decision=choice, lease_until=None):
        raise NothingToDecide


def _undecided(decision: Decision) -> QuerySet[SyncJob]:
    return SyncJob.objects.filter(pk=decision.job.pk, state=SyncJob.State.FAILED, decision="")


def _free(at: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=at)


def _audit(
    decision: Decision, choice: Choice, *, by: User | None, at: datetime, ip: str, adopted_revision: int
) -> None:
    job, server = decision.job, decision.connection.server
    audit.record(
        enterprise=server.enterprise,
        action=f"license_sync.declared_{choice}",
        by=by,
        at=at,
        ip=ip,
        target=server.hostname,
        before={"revision": job.base_revision, "snapshot_id": _text(job.base_snapshot_id)},
        after={
            "revision": adopted_revision,
            "snapshot_id": decision.held.snapshot_id if decision.held else "",
            "hostname": server.hostname,
            "known_as": decision.held.hostname if decision.held else "",
        },
    )


def _text(snapshot_id: UUID | None) -> str | None:
    return str(snapshot_id) if snapshot_id else None
