"""Accounts that nobody means to suspend however dormant they are, machine users for example: a list per server."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from connect.models import Server
from enterprises import audit
from enterprises.models import User
from licensesync.models import DormancyExclusion, Seat
from wire.lines import MAX_USER_ID


class NoSuchAccount(Exception):
    """The server lists no account of that login or id, or nothing of it is on the list."""

    def __init__(self, account: str) -> None:
        self.account = account
        super().__init__(account)

    def __str__(self) -> str:
        """Return the sentence in the language in use."""
        return _("There is no account with the login or id “%(account)s”.") % {"account": self.account}


def is_excluded() -> Exists:
    """The condition on a seat that its account is on the list."""
    return Exists(DormancyExclusion.objects.filter(server=OuterRef("server"), user_id=OuterRef("user_id")))


def suspendable(seats: QuerySet[Seat]) -> QuerySet[Seat]:
    """Of some seats those whose accounts hold a license, are dormant, and are not on the list."""
    return seats.filter(~is_excluded(), is_license_consuming=True, is_dormant=True)


def not_suspendable(seats: QuerySet[Seat]) -> QuerySet[Seat]:
    """Of license-consuming seats those that would stay."""
    return seats.filter(Q(is_dormant=False) | is_excluded())


def gone_exclusions(server: Server) -> QuerySet[DormancyExclusion, int]:
    """The ids on the list that no account of the server has now, in their order."""
    listed = Seat.objects.filter(server=OuterRef("server"), user_id=OuterRef("user_id"))
    held = DormancyExclusion.objects.filter(~Exists(listed), server=server)
    return held.order_by("user_id").values_list("user_id", flat=True)


def find_account(server: Server, account: str) -> int:
    """Return the id of the account with a login, or else with an id.

    :raises NoSuchAccount: there is none in the current list
    """
    text = account.strip()
    seats = Seat.objects.filter(server=server)
    found = seats.filter(login__iexact=text).order_by("user_id").values_list("user_id", flat=True).first()
    if found is None and _is_id(text):
        found = seats.filter(user_id=int(text)).values_list("user_id", flat=True).first()
    if found is None:
        raise NoSuchAccount(text)
    return found


def find_excluded(server: Server, account: str) -> int:
    """Return the id of an account as `find_account` does, or an id that is on the list though no account has it now.

    :raises NoSuchAccount: neither
    """
    try:
        return find_account(server, account)
    except NoSuchAccount:
        text = account.strip()
        held = DormancyExclusion.objects.filter(server=server)
        if _is_id(text) and held.filter(user_id=int(text)).exists():
            return int(text)
        raise


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(MAX_USER_ID))


@transaction.atomic
def exclude(*, server: Server, user_id: int, by: User | None, at: datetime, ip: str = "") -> bool:
    """Put an account on the list; whether it was not on it before. The list outlives imports."""
    if not Seat.objects.filter(server=server, user_id=user_id).exists():
        raise NoSuchAccount(str(user_id))
    _held, is_new = DormancyExclusion.objects.get_or_create(
        server=server, user_id=user_id, defaults={"added_at": at, "added_by": by}
    )
    if is_new:
        _audit(server, "dormancy_exclusion.create", user_id, by=by, at=at, ip=ip)
    return is_new


@transaction.atomic
def include(*, server: Server, user_id: int, by: User | None, at: datetime, ip: str = "") -> bool:
    """Take an account off the list, also one that the server lists no more; whether it was on it."""
    was_on_it, _rows = DormancyExclusion.objects.filter(server=server, user_id=user_id).delete()
    if was_on_it:
        _audit(server, "dormancy_exclusion.destroy", user_id, by=by, at=at, ip=ip)
    return bool(was_on_it)


def _audit(server: Server, action: str, user_id: int, *, by: User | None, at: datetime, ip: str) -> None:
    audit.record(
        enterprise=server.enterprise,
        action=action,
        by=by,
        at=at,
        ip=ip,
        target=server.hostname,
        after={"user_id": user_id},
    )
