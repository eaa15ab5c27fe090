"""Sends the mails about what needs an owner, each in its reader's language and time zone.

At least once: a mail is claimed for a while before it is sent, and marked after it. A worker that dies in between
leaves it to another, and its reader may get it twice, under the same Message-ID; none is lost. A mail server that does
not answer holds up nothing but the mails.
"""

from __future__ import annotations

import hashlib
import logging
import smtplib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from enterprises import moments, notices
from enterprises.access import served
from enterprises.models import Deployment, NoticeMail
from enterprises.preferences import languages, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.mail.backends.base import BaseEmailBackend
    from django.db.models import QuerySet

    from enterprises.models import Enterprise, User

logger = logging.getLogger(__name__)

AT_A_TIME: Final = 20
"""In one task, so that no worker is busy with mails for long."""
MOST_ATTEMPTS: Final = 20
_LONGEST_WAIT: Final = timedelta(hours=4)
# SMTP's own errors are OSErrors as well. A folder that cannot be made is the second.
_NOT_SENT: Final = (OSError, ImproperlyConfigured)


def due(at: datetime) -> QuerySet[NoticeMail]:
    """Those to be sent now; about what is over only the mail that says so."""
    return NoticeMail.objects.filter(
        Q(is_resolution=True) | Q(notice__resolved_at=None, stage=F("notice__stage")),
        sent_at=None,
        not_before__lte=at,
        attempts__lt=MOST_ATTEMPTS,
        notice__enterprise__deployment__in=served(),
    ).order_by("not_before", "pk")


def deliver(clock: Callable[[], datetime] = timezone.now) -> int:
    """Send some of what is due and return how many were sent; what fails is tried again, for about two days."""
    rows = list(due(clock()).select_related("notice__enterprise", "user")[:AT_A_TIME])
    if not rows:
        return 0
    sent, is_open = 0, False
    try:
        with get_connection() as line:
            is_open = True
            for mail in rows:
                if not claim(mail, clock()):
                    continue
                if not notices.is_mailed(mail.notice, mail.user_id):
                    NoticeMail.objects.filter(pk=mail.pk).delete()
                    continue
                sent += _send(mail, line, clock)
    except Exception as error:
        # All of them, also the end of the task's time: the next minute must not be spent as this one.
        _put_off([] if is_open else rows, clock())
        if not isinstance(error, _NOT_SENT):
            raise
        # Of an error only its kind: its text may repeat what the server said to a password.
        extra = {"mails": len(rows) - sent, "error": type(error).__name__}
        logger.warning("Mails could not be sent; they are tried again.", extra=extra)
    return sent


def claim(mail: NoticeMail, at: datetime) -> bool:
    """Whether this worker sends it: one of those that found it does, and nobody else for some minutes."""
    wait = min(timedelta(minutes=2 ** (min(mail.attempts, 10) + 1)), _LONGEST_WAIT)
    unclaimed = NoticeMail.objects.filter(pk=mail.pk, attempts=mail.attempts, sent_at=None)
    return bool(unclaimed.update(attempts=mail.attempts + 1, not_before=at + wait))


def _put_off(rows: list[NoticeMail], at: datetime) -> None:
    """They wait longer each time: nobody opened the door. Else it was about one mail, which waits by itself, and the
    next minute begins with the others.
    """
    for mail in rows:
        claim(mail, at)


def _send(mail: NoticeMail, line: BaseEmailBackend, clock: Callable[[], datetime]) -> bool:
    message = compose(mail, line)
    if message is None:
        return False
    try:
        message.send()
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        extra = {"mail_id": mail.pk, "error": type(error).__name__}
        logger.warning("The mail server refused a mail; it is tried again.", extra=extra)
        return False
    NoticeMail.objects.filter(pk=mail.pk).update(sent_at=clock())
    return True


def compose(mail: NoticeMail, line: BaseEmailBackend | None = None) -> EmailMessage | None:
    """The mail as its reader gets it; None where nobody knows any more what it is about."""
    notice, user = mail.notice, mail.user
    with translation.override(language_of(user)), timezone.override(zone_of(user) or UTC):
        words = notices.words_of(notice)
        if words is None:
            return None
        link = settings.BASE_URL + notices.url_of(notice, words)
        if mail.is_resolution:
            subject = _("Resolved: %(title)s") % {"title": words.title}
            told = {"title": words.title, "day": moments.in_words(notice.opened_at)}
            body = [_("This is over: %(title)s. It began on %(day)s.") % told, _("There is nothing left to do.")]
        else:
            subject, body = str(words.title), [f"{words.title}. {words.text}", str(words.next_step)]
        message = _message(user, notice.enterprise, subject, [*body, link], line)
        # The same for the same mail, so that a mail program that gets it twice can tell.
        host = urlsplit(settings.BASE_URL).hostname
        made_of = f"{settings.BASE_URL} {notice.pk} {notice.opened_at} {mail.pk}"
        message.extra_headers["Message-ID"] = f"<{hashlib.sha256(made_of.encode()).hexdigest()[:32]}@{host}>"
        return message


def compose_test(user: User, enterprise: Enterprise, line: BaseEmailBackend) -> EmailMessage:
    """What an operator sends to see whether mails arrive."""
    with translation.override(language_of(user)), timezone.override(zone_of(user) or UTC):
        body = [_("This is a test: mails about this enterprise reach you. There is nothing to do.")]
        return _message(user, enterprise, _("A test of the notifications"), body, line)


def language_of(user: User) -> str:
    """A person's own language; there is no browser to ask."""
    return user.language if user.language in languages() else settings.LANGUAGE_CODE


def _message(
    user: User, enterprise: Enterprise, subject: str, body: list[str], line: BaseEmailBackend | None
) -> EmailMessage:
    side = Deployment(enterprise.deployment).label
    preferences = f"{settings.BASE_URL}{reverse('preferences')}"
    paragraphs = [
        _("Hello %(name)s,") % {"name": user.display_name},
        *body,
        "-- \n"
        + _(
            "You get this mail as an owner of %(enterprise)s (%(side)s): "
            "once when something begins, once when it is over."
        )
        % {"enterprise": enterprise.name, "side": side}
        + "\n"
        + _("To switch these mails off, open your preferences:")
        + f"\n{preferences}",
    ]
    return EmailMessage(
        # A name may hold line ends, and a header may not.
        subject=" ".join(f"[{enterprise.name}] {subject}".split()),
        body="\n\n".join(paragraphs) + "\n",
        to=[user.email],
        connection=line,
        headers={"Auto-Submitted": "auto-generated", "List-Unsubscribe": f"<{preferences}>"},
    )
