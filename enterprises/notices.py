"""What needs an owner: which causes there are, since when, and who is to be mailed about them.

Each side says with every tick what is so now. A cause is opened by the tick that sees it first, and resolved by the one
that does not see it any more; the database has at most one open row of each, so that many ticks at once open one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q, Subquery
from django.urls import reverse

from enterprises.models import Deployment, Enterprise, Notice, NoticeMail, Role, RoleName

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.utils.functional import _StrPromise

    Text = str | _StrPromise

QUIET: Final = timedelta(hours=1)
"""Between two mails that tell an owner of the same cause, where it ends and begins again all the time."""

_RESOLUTIONS_ARE_MAILED_FOR: Final = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Something that is so now. Where ``is_undecided``, an open one goes on and none is opened: while a failed sync is
    tried again nobody knows.
    """

    enterprise_id: int
    code: str
    key: str = ""
    stage: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    is_undecided: bool = False

    @property
    def identity(self) -> tuple[int, str, str]:
        return self.enterprise_id, self.code, self.key


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is so in a few words, in a sentence or two, and what an owner does about it."""

    title: Text
    text: Text
    next_step: Text
    view_name: str


_wordings: dict[str, Callable[[Notice], Words]] = {}


def register(wordings: dict[str, Callable[[Notice], Words]]) -> None:
    """Called once per side when the apps are ready: how each of its causes is said, in the language of the moment."""
    _wordings.update(wordings)


def words_of(notice: Notice) -> Words | None:
    """None for a cause of another version."""
    say = _wordings.get(notice.code)
    return say(notice) if say else None


def url_of(notice: Notice, words: Words) -> str:
    """The path of the page that shows the cause."""
    return reverse(words.view_name, kwargs={"slug": notice.enterprise.slug})


@dataclass(frozen=True)
class OpenNotice:
    """A cause as pages and commands list it."""

    notice: Notice
    words: Words
    url: str


def listed(enterprise: Enterprise, *, is_open: bool = True) -> list[OpenNotice]:
    """The causes of an enterprise, newest first: those that are open, or the last hundred that are over."""
    found = Notice.objects.filter(enterprise=enterprise, resolved_at__isnull=is_open).select_related("enterprise")
    said = ((notice, words_of(notice)) for notice in found.order_by("-opened_at", "-pk")[:100])
    return [OpenNotice(notice, words, url_of(notice, words)) for notice, words in said if words]


def open_counts(enterprises: Iterable[Enterprise]) -> dict[int, int]:
    """How many causes are open of each enterprise, by primary key, in one query; those without any are left out."""
    found = Notice.objects.filter(enterprise__in=enterprises, resolved_at=None, code__in=list(_wordings))
    return dict(found.order_by().values_list("enterprise").annotate(open=Count("pk")))


def mails_sent(found: Iterable[Notice]) -> dict[int, int]:
    """How many mails went out about each notice, by primary key, in one query; those without any are left out."""
    sent = NoticeMail.objects.filter(notice__in=[notice.pk for notice in found], sent_at__isnull=False)
    return dict(sent.order_by().values_list("notice").annotate(mails=Count("pk")))


@transaction.atomic
def look(side: Deployment, causes: Iterable[Cause], at: datetime) -> None:
    """Open what is new, resolve what is over, and note who is to be mailed about it; a few queries for all."""
    now = {cause.identity: cause for cause in causes}
    held = {
        (notice.enterprise_id, notice.code, notice.key): notice
        for notice in Notice.objects.filter(enterprise__deployment=side, resolved_at=None)
    }
    _open([cause for identity, cause in now.items() if identity not in held and not cause.is_undecided], at)
    for identity in held.keys() & now.keys():
        if now[identity].stage > held[identity].stage:
            worse = Notice.objects.filter(pk=held[identity].pk, stage__lt=now[identity].stage)
            worse.update(stage=now[identity].stage, facts=now[identity].facts)
    over = [held[identity].pk for identity in held.keys() - now.keys()]
    Notice.objects.filter(pk__in=over, resolved_at=None).update(resolved_at=at)
    _note_mails(side, at)


def _open(causes: list[Cause], at: datetime) -> None:
    rows = [
        Notice(
            enterprise_id=cause.enterprise_id,
            code=cause.code,
            key=cause.key,
            stage=cause.stage,
            facts=cause.facts,
            opened_at=at,
        )
        for cause in causes
    ]
    # Another tick may open the same at this moment: the constraint lets one of them.
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def _note_mails(side: Deployment, at: datetime) -> None:
    """One for each owner and stage of what is open, and one for each owner who heard of what is over."""
    opened = Notice.objects.filter(enterprise__deployment=side, resolved_at=None)
    still = Role.objects.filter(who_is_mailed(), enterprise=OuterRef("notice__enterprise"), user=OuterRef("user"))
    heard = NoticeMail.objects.filter(
        Exists(still),
        is_resolution=False,
        sent_at__isnull=False,
        notice__enterprise__deployment=side,
        notice__resolved_at__gt=at - _RESOLUTIONS_ARE_MAILED_FOR,
    )
    wanted = {(notice, user, False, stage) for notice, user, stage in _owners_of(opened)}
    wanted |= {(notice, user, True, 0) for notice, user in heard.values_list("notice", "user")}
    if not wanted:
        return
    noted = NoticeMail.objects.filter(notice__in={notice for notice, *_rest in wanted})
    missing = wanted - set(noted.values_list("notice", "user", "is_resolution", "stage"))
    heard_at = _heard_before({notice for notice, *_rest in missing}, at) if missing else {}
    rows = [
        NoticeMail(
            notice_id=notice,
            user_id=user,
            is_resolution=is_resolution,
            stage=stage,
            not_before=at if is_resolution else heard_at.get((notice, user, stage), at - QUIET) + QUIET,
        )
        for notice, user, is_resolution, stage in sorted(missing)
    ]
    NoticeMail.objects.bulk_create(rows, ignore_conflicts=True)


def _heard_before(notices: set[int], at: datetime) -> dict[tuple[int, int, int], datetime]:
    """When an owner was last mailed, within `QUIET`, about what each of these is about: the same, just as bad."""
    mails = NoticeMail.objects.filter(is_resolution=False, sent_at__gt=at - QUIET)
    same = Notice.objects.filter(
        pk__in=notices, enterprise=OuterRef("notice__enterprise"), code=OuterRef("notice__code")
    ).filter(key=OuterRef("notice__key"))
    rows = mails.exclude(notice__in=notices).annotate(again=Subquery(same.values("pk")[:1]))
    told = rows.filter(again__isnull=False).values_list("again", "user", "stage").annotate(last=Max("sent_at"))
    return {(notice, user, stage): last for notice, user, stage, last in told}


def _owners_of(notices: QuerySet[Notice]) -> Iterable[tuple[int, int, int]]:
    """Each open notice with each owner who can be mailed and wants it."""
    return (
        notices.filter(who_is_mailed("enterprise__roles__"))
        .annotate(owner=F("enterprise__roles__user"))
        .values_list("pk", "owner", "stage")
    )


def who_is_mailed(prefix: str = "") -> Q:
    """Of roles: owners who may sign in, have an address, and did not switch the mails off."""
    conditions = {
        "role": RoleName.OWNER,
        "user__is_active": True,
        "user__wants_notices": True,
        "user__email__gt": "",
    }
    return Q(**{f"{prefix}{name}": value for name, value in conditions.items()})


def reach_nobody() -> bool:
    """Whether mails are written to files, because no mail server is set."""
    return settings.EMAIL_BACKEND.endswith("filebased.EmailBackend")


def is_mailed(notice: Notice, user_id: int) -> bool:
    """Whether a person still is to be mailed about it, at the moment of sending."""
    return Role.objects.filter(who_is_mailed(), enterprise=notice.enterprise_id, user=user_id).exists()
