"""What is kept goes when its time is over (docs/privacy.md), in pieces that hold nobody up.

A step deletes one piece in a transaction of its own and says whether more may be left. The steps here are about what
both sides keep; each side adds its own.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from redis.exceptions import RedisError

from enterprises.models import (
    ApiToken,
    Notice,
    Role,
    RoleName,
    SetupCode,
    SignInLink,
    StagedUpload,
    StagedUploadPiece,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    Step = Callable[[datetime], bool]

logger = logging.getLogger(__name__)

KEEP_CLOSED_TOKENS: Final = timedelta(days=30)
KEEP_NOTICES: Final = timedelta(days=400)
KEEP_MAIL: Final = timedelta(days=30)

PIECE: Final = 1_000
SMALL_PIECE: Final = 100
"""Of rows that others refer to: up to here Django needs the same few statements, however many they are."""
LARGE_BODIES: Final = 16
"""Of rows that hold up to 16 MiB each."""
PIECES: Final = 10
"""Of each step within one minute; the tick of the next one goes on."""


def delete_piece(rows: QuerySet[Any], size: int = PIECE) -> bool:
    """Delete at most ``size`` of the rows, and what hangs on them; whether more may be left."""
    some = rows.order_by().values("pk")[:size]
    _all, deleted = rows.model._base_manager.filter(pk__in=some).delete()
    return bool(deleted.get(rows.model._meta.label, 0) >= size)


def run(steps: Iterable[Step], at: datetime) -> bool:
    """Let each step do a bounded number of pieces; whether all of them have come to their end."""
    unfinished = [step for step in steps if not _reaches_its_end(step, at)]
    return not unfinished


def run_hourly(side: str, steps: Iterable[Step], at: datetime) -> None:
    """Run the steps once in an hour, and every minute for as long as something is left.

    The hour is marked in the cache, where it survives a restart. Without the mark the steps run again, which does no
    harm; without the cache they wait for it.
    """
    mark = f"retention:{side}:{at:%Y-%m-%dT%H}"
    is_done = False
    try:
        if not cache.add(mark, True, timeout=7_200):
            return
        try:
            is_done = run(steps, at)
        finally:
            if not is_done:
                cache.delete(mark)
    except RedisError:
        logger.warning("The cache does not answer; what is over goes later.")


def _reaches_its_end(step: Step, at: datetime) -> bool:
    return any(not step(at) for _piece in range(PIECES))


def _upload_pieces(at: datetime) -> bool:
    return delete_piece(StagedUploadPiece.objects.filter(upload__expires_at__lte=at), LARGE_BODIES)


def _uploads(at: datetime) -> bool:
    return delete_piece(StagedUpload.objects.filter(expires_at__lte=at, pieces=None), SMALL_PIECE)


def _sessions(at: datetime) -> bool:
    return delete_piece(Session.objects.filter(expire_date__lte=at))


def _links(at: datetime) -> bool:
    return delete_piece(SignInLink.objects.filter(expires_at__lte=at))


def _setup_code(_at: datetime) -> bool:
    """Nobody can use it any more."""
    if Role.objects.filter(role=RoleName.OWNER).exists():
        SetupCode.objects.all().delete()
    return False


def _tokens(at: datetime) -> bool:
    over = at - KEEP_CLOSED_TOKENS
    closed = ApiToken.objects.filter(expires_at__lte=over) | ApiToken.objects.filter(revoked_at__lte=over)
    return delete_piece(closed)


def _notices(at: datetime) -> bool:
    """With who was mailed about them; what is open stays."""
    return delete_piece(Notice.objects.filter(resolved_at__lte=at - KEEP_NOTICES), SMALL_PIECE)


def _mail_files(at: datetime) -> bool:
    """Mail that was written to files, where there is no mail server."""
    folder = Path(getattr(settings, "EMAIL_FILE_PATH", None) or settings.DATA_DIR / "mail")
    until = (at - KEEP_MAIL).timestamp()
    for file in folder.glob("*.log"):
        if file.stat().st_mtime <= until:
            file.unlink(missing_ok=True)
    return False


EVERY_MINUTE: Final = (_upload_pieces, _uploads)
EVERY_HOUR: Final = (_sessions, _links, _setup_code, _tokens, _notices, _mail_files)
