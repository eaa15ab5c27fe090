"""Make statements: one a month for every account by the tick, and as of now when an owner asks.

A statement is made under the lock of the books, so that all of its numbers are those of one revision.
"""

from datetime import date, datetime, timedelta
from typing import Final

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from cloud.locks import locked
from cloud.models import Ledger, Statement
from cloud.signer import current_signer, sign_statement
from cloud.statements.composing import compose
from cloud.statements.months import last_day, month_before
from enterprises.audit import record
from enterprises.models import User

MOST_AN_HOUR: Final = 10
"""As many may be asked for by hand: each is kept for five years."""
_MOST_A_TICK: Final = 20


class TooManyStatements(Exception):
    """Somebody asked for more statements as of now than an account may have within an hour."""


class MonthNotStated(Exception):
    """A month that has no statement and gets none any more: it is not the one that was over last."""


def make_now(*, ledger: Ledger, by: User | None, at: datetime, ip: str = "") -> Statement:
    """Make a statement as of now.

    :raises TooManyStatements: too many within the hour
    """
    with locked(ledger) as held:
        lately = held.statements.filter(month=None, made_at__gt=at - timedelta(hours=1))
        if lately.count() >= MOST_AN_HOUR:
            raise TooManyStatements
        return _write(held, month=None, by=by, at=at, ip=ip)


def make_month(*, ledger: Ledger, month: date, at: datetime) -> Statement:
    """Return the statement of a month; that of the month that was over last is made where it is missing.

    :raises MonthNotStated: of any other month there is none
    """
    made = ledger.statements.filter(month=month).first()
    if made is None and (month != month_before(at) or not _due(at).filter(pk=ledger.pk).exists()):
        raise MonthNotStated
    return made or _make_month(ledger.pk, month, at)


def make_due(at: datetime) -> int:
    """Make what is missing of the month that was over last; return how many. Books that are written come later."""
    month, made = month_before(at), 0
    for ledger in _due(at).values_list("pk", flat=True)[:_MOST_A_TICK]:
        with transaction.atomic():
            # A snapshot that is applied holds the books for long: the tick waits for nobody.
            if not Ledger.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=ledger).exists():
                continue
            _make_month(ledger, month, at)
            made += 1
    return made


def _due(at: datetime) -> QuerySet[Ledger]:
    """The accounts without a statement of the month that was over last, in which or before which they were counted."""
    month = month_before(at)
    counted = Ledger.objects.filter(usage__day__lte=last_day(month)).distinct()
    return counted.exclude(pk__in=Statement.objects.filter(month=month).values("ledger")).order_by("pk")


def _make_month(ledger: int, month: date, at: datetime) -> Statement:
    """Make the statement of a month; whoever comes second gets that of the first."""
    try:
        with locked(ledger) as held:
            made = held.statements.filter(month=month).first()
            return made or _write(held, month=month, by=None, at=at)
    except IntegrityError:
        return Statement.objects.get(ledger=ledger, month=month)


def _write(ledger: Ledger, *, month: date | None, by: User | None, at: datetime, ip: str = "") -> Statement:
    statement = compose(ledger, month=month, at=at)
    signer = current_signer(at)
    made = Statement.objects.create(
        ledger=ledger,
        month=month,
        made_at=at,
        made_by=by,
        revision=statement.revision,
        body=msgspec.json.encode(statement).decode(),
        jws=sign_statement(statement, signer),
        kid=signer.kid,
    )
    record(
        enterprise=ledger.enterprise,
        action="statement.create",
        by=by,
        at=at,
        ip=ip,
        target=str(made),
        after={
            "month": statement.month,
            "revision": statement.revision,
            "consumed": (statement.month_end or statement).consumed,
        },
    )
    return made
