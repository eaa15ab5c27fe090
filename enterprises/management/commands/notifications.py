"""Lists what needs the owners of an enterprise, switches the mails of one, and tries whether they arrive."""

from __future__ import annotations

import json as json_lines
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.management.base import CommandError

from enterprises import notice_mails, notices, preferences
from enterprises.commands import ReportingCommand, find_enterprise, find_user
from enterprises.models import Role

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from enterprises.models import Enterprise, User


class Command(ReportingCommand):
    help = "List what needs the owners of an enterprise, who is mailed about it, and what is over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("enterprise")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--test", metavar="USER", help="send a test mail to this owner instead")
        instead.add_argument("--on", metavar="USER", help="mail this owner from now on, of every enterprise of theirs")
        instead.add_argument("--off", metavar="USER", help="mail this owner no more")

    def handle(self, *, enterprise: str, json: bool, **options: Any) -> None:
        of = find_enterprise(enterprise)
        if options["test"] is not None:
            self._test(of, options["test"], as_json=json)
        elif options["on"] is not None or options["off"] is not None:
            self._switch(of, options["on"] or options["off"], is_on=options["on"] is not None, as_json=json)
        else:
            self._list(of, as_json=json)

    def _list(self, of: Enterprise, *, as_json: bool) -> None:
        mailed = list(
            Role.objects.filter(notices.who_is_mailed(), enterprise=of)
            .order_by("user__username")
            .values_list("user__username", flat=True)
        )
        found = [*notices.listed(of), *notices.listed(of, is_open=False)]
        if as_json:
            sent = notices.mails_sent([one.notice for one in found])
            told = [_told(one, mails_sent=sent.get(one.notice.pk, 0)) for one in found]
            self.stdout.write(json_lines.dumps({"mailed": mailed, "notices": told}))
            return
        self.stdout.write(f"Mailed: {', '.join(mailed) or 'nobody (no owner has an address and wants mails)'}")
        for one in found:
            over = f", over {one.notice.resolved_at:%Y-%m-%d %H:%M} UTC" if one.notice.resolved_at else ""
            self.stdout.write(f"{one.notice.opened_at:%Y-%m-%d %H:%M} UTC{over}  {one.notice.code}  {one.words.title}")

    def _test(self, enterprise: Enterprise, username: str, *, as_json: bool) -> None:
        owner = _owner(enterprise, username)
        if not owner.email:
            raise CommandError(f"{username} has no e-mail address; they can enter one among their preferences.")
        try:
            with get_connection() as line:
                notice_mails.compose_test(owner, enterprise, line).send()
        except (OSError, ImproperlyConfigured) as error:
            raise CommandError(
                f"The mail could not be sent ({type(error).__name__}); check EMAIL_URL, and run the doctor."
            ) from error
        self.report(f"A test mail to {username} was handed over.", as_json=as_json, username=username, sent=True)

    def _switch(self, enterprise: Enterprise, username: str, *, is_on: bool, as_json: bool) -> None:
        owner = _owner(enterprise, username)
        preferences.save(owner, wants_notices=is_on)
        line = f"{owner.username} is {'mailed' if is_on else 'mailed no more'} about what needs an owner."
        self.report(line, as_json=as_json, username=owner.username, wants_notices=is_on)


def _owner(enterprise: Enterprise, username: str) -> User:
    """:raises CommandError: there is nobody of that name, or they own something else."""
    role = Role.objects.filter(enterprise=enterprise, user=find_user(username)).select_related("user").first()
    if role is None or not role.is_owner:
        raise CommandError(f"{username} does not own {enterprise.slug}.")
    return role.user


def _told(one: notices.OpenNotice, *, mails_sent: int) -> dict[str, Any]:
    notice = one.notice
    return {
        "code": notice.code,
        "key": notice.key,
        "stage": notice.stage,
        "title": str(one.words.title),
        "text": str(one.words.text),
        "next_step": str(one.words.next_step),
        "path": one.url,
        "opened_at": notice.opened_at.isoformat(),
        "resolved_at": notice.resolved_at.isoformat() if notice.resolved_at else None,
        "mails_sent": mails_sent,
    }
