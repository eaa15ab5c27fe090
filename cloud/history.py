"""Whether a snapshot continues the history that the cloud holds of its server.

A server names what it believes the cloud holds (``base``) and the snapshots whose answer it never
got (``unanswered``). A restored or copied server names something else, and is stopped before it
overwrites what the other one sent. docs/wire.md, "Which history".
"""

import logging
from typing import Final

from cloud.models import Installation
from cloud.refusals import IntakeRefused
from wire.messages import ErrorCode, Held, OpenSync

logger = logging.getLogger(__name__)

DECISIONS: Final = frozenset(
    {ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED, ErrorCode.SHRINK_UNCONFIRMED},
)
"""Refusals after which an owner of the server decides, and needs to know what is held of it."""


def next_revision(installation: Installation, opening: OpenSync) -> int:
    """Return the revision that the snapshot gets if it is applied now.

    Revisions never fall for the server, even where the cloud was restored to an older state.

    :raises IntakeRefused: another hostname, or another history.
    """
    if opening.hostname != installation.hostname:
        raise IntakeRefused(ErrorCode.HOSTNAME_CHANGED)
    base = opening.base
    known = {*opening.unanswered, *([base.snapshot_id] if base else [])}
    held = str(installation.snapshot_id) if installation.snapshot_id else None
    if held in known or (held is None and base is None):
        return max(installation.revision, base.revision if base else 0) + 1
    if base is not None and installation.revision < base.revision:
        logger.warning(
            "The cloud holds an older revision than the server knows; it goes on from the server's.",
            extra={"installation_id": installation.pk, "held": installation.revision, "base": base.revision},
        )
        return base.revision + 1
    raise IntakeRefused(ErrorCode.REVISION_CONFLICT)


def held_of(installation: Installation) -> Held:
    """Return what is held of a server at this moment, in one query."""
    now = Installation.objects.filter(pk=installation.pk).first() or installation
    return Held(
        hostname=now.hostname,
        revision=now.revision,
        accounts=now.accounts,
        snapshot_id=str(now.snapshot_id) if now.snapshot_id else "",
        taken_at=now.taken_at,
        synced_at=now.last_sync_at,
    )
