"""Owners are mailed once about each cause, and once when it is over; a mail that fails is tried again."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from cloud.models import Ledger
from config.local_checks import local_checks
from enterprises import notice_mails, tasks
from enterprises.doctor import Status
from enterprises.models import AuditEvent, Deployment, Enterprise, NoticeMail, Role, RoleName, User
from enterprises.models.notices import Notice
from enterprises.notices import Cause, look
from tests.enterprises.smtp import HOST, MailServer, mail_server
from tests.factories import NOW, make_role, make_user

A_MINUTE = timedelta(minutes=1)
PASSWORD = "planted-mail-password"


@pytest.fixture
def mailed(owner: User) -> User:
    """The owner, with an address."""
    User.objects.filter(pk=owner.pk).update(email="olivia@octo.example")
    owner.refresh_from_db()
    return owner


def seats(enterprise: Enterprise, stage: int = 1, *, is_undecided: bool = False) -> Cause:
    return Cause(
        enterprise_id=enterprise.pk,
        code="seats_used",
        stage=stage,
        facts={"hostname": "ghe.octo.example", "used": 1900, "total": 2000},
        is_undecided=is_undecided,
    )


def identity(at: datetime) -> datetime:
    return at


def tick(*causes: Cause, at: datetime = NOW) -> list[str]:
    """What a minute brings; the subjects of the mails that it sends."""
    mail.outbox.clear()
    look(Deployment.SERVER, causes, at)
    notice_mails.deliver(lambda: at)
    return [str(message.subject) for message in mail.outbox]


def test_cause_is_mailed_once_and_when_it_is_over(mailed: User, server_enterprise: Enterprise) -> None:
    cause = seats(server_enterprise)

    mails = [tick(cause, at=NOW + minute * A_MINUTE) for minute in range(3)]
    over = [tick(at=NOW + timedelta(hours=hours)) for hours in (1, 2)]
    again = tick(cause, at=NOW + timedelta(days=1))

    subject = "[Octo Server] 90 % of the seats of ghe.octo.example are used"
    resolved = "[Octo Server] Resolved: 90 % of the seats of ghe.octo.example are used"
    subject, resolved = (text.replace("Octo Server", server_enterprise.name) for text in (subject, resolved))
    assert mails == [[subject], [], []]
    assert over == [[resolved], []]
    assert again == [subject]
    assert Notice.objects.count() == 2


def test_cause_that_comes_and_goes_is_mailed_once_an_hour(mailed: User, server_enterprise: Enterprise) -> None:
    subjects = []
    for minute in range(0, 120, 2):
        subjects += tick(seats(server_enterprise), at=NOW + minute * A_MINUTE)
        subjects += tick(at=NOW + (minute + 1) * A_MINUTE)
    assert [subject.count("Resolved") for subject in subjects] == [0, 1, 0, 1]

    worse = tick(seats(server_enterprise, 2), at=NOW + 120 * A_MINUTE)
    assert len(worse) == 1
    assert tick(at=NOW + 121 * A_MINUTE) != []
    assert tick(seats(server_enterprise, 2), at=NOW + 122 * A_MINUTE) == []
    stays = tick(seats(server_enterprise, 2), at=NOW + 180 * A_MINUTE)
    assert len(stays) == 1


def test_worse_is_mailed_and_better_is_not(mailed: User, server_enterprise: Enterprise) -> None:
    subjects = [tick(seats(server_enterprise, stage)) for stage in (1, 2, 1, 2)]

    assert [len(of_minute) for of_minute in subjects] == [1, 1, 0, 0]
    assert "All seats" in subjects[1][0]


def test_undecided_cause_goes_on_and_none_begins(mailed: User, server_enterprise: Enterprise) -> None:
    assert tick(seats(server_enterprise, is_undecided=True)) == []
    assert tick(seats(server_enterprise)) != []
    assert tick(seats(server_enterprise, is_undecided=True)) == []
    assert Notice.objects.get().resolved_at is None


def test_only_owners_who_want_it_and_have_an_address_are_mailed(
    mailed: User, billing_manager: User, server_enterprise: Enterprise
) -> None:
    User.objects.filter(pk=billing_manager.pk).update(email="bill@octo.example")
    without: dict[str, dict[str, Any]] = {
        "off": {"wants_notices": False},
        "gone": {"is_active": False},
        "none": {"email": ""},
    }
    for name, fields in without.items():
        user = make_user(name, email=f"{name}@octo.example")
        make_role(user, server_enterprise)
        User.objects.filter(pk=user.pk).update(**fields)

    tick(seats(server_enterprise))

    assert [message.to for message in mail.outbox] == [["olivia@octo.example"]]


@pytest.mark.parametrize("change", ["off", "no owner"])
def test_who_no_longer_wants_it_gets_nothing(change: str, mailed: User, server_enterprise: Enterprise) -> None:
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)
    if change == "off":
        User.objects.filter(pk=mailed.pk).update(wants_notices=False)
    else:
        Role.objects.filter(user=mailed).update(role=RoleName.BILLING_MANAGER)

    assert notice_mails.deliver(lambda: NOW) == 0

    assert mail.outbox == []
    assert not NoticeMail.objects.exists()


def test_who_switched_it_off_hears_of_no_end(mailed: User, server_enterprise: Enterprise) -> None:
    tick(seats(server_enterprise))
    User.objects.filter(pk=mailed.pk).update(wants_notices=False)

    assert tick() == []
    assert not NoticeMail.objects.filter(is_resolution=True).exists()


def test_owner_who_comes_later_hears_of_what_is_open(mailed: User, server_enterprise: Enterprise) -> None:
    tick(seats(server_enterprise))
    make_role(make_user("oskar", email="oskar@octo.example"), server_enterprise)

    tick(seats(server_enterprise))

    assert [message.to for message in mail.outbox] == [["oskar@octo.example"]]


def test_who_heard_of_nothing_hears_of_no_end(server_enterprise: Enterprise, mailed: User) -> None:
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)

    assert tick() == []


def test_mail_is_in_the_readers_language_and_leads_to_the_page(mailed: User, server_enterprise: Enterprise) -> None:
    User.objects.filter(pk=mailed.pk).update(language="fr", time_zone="Europe/Paris")

    tick(seats(server_enterprise))
    tick(at=NOW + A_MINUTE)

    (message,) = mail.outbox
    assert "Résolu" in message.subject
    assert "2 mars 2026 10:30 CET" in message.body
    assert "\nhttp://localhost:8000/enterprises/octo-server/settings/license\n" in message.body
    assert "\nhttp://localhost:8000/account/preferences\n" in message.body
    assert message.extra_headers["List-Unsubscribe"] == "<http://localhost:8000/account/preferences>"


def test_name_of_an_enterprise_adds_no_header(mailed: User, server_enterprise: Enterprise) -> None:
    Enterprise.objects.filter(pk=server_enterprise.pk).update(name="Octo\nBcc: all@octo.example")

    (subject,) = tick(seats(server_enterprise))

    assert "\n" not in subject
    assert mail.outbox[0].recipients() == ["olivia@octo.example"]


def test_minute_without_news_asks_little(
    mailed: User, server_enterprise: Enterprise, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    tick(seats(server_enterprise))

    with django_assert_max_num_queries(9):
        tick(seats(server_enterprise))


@pytest.fixture
def post(settings: Settings) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = HOST, "octo", PASSWORD
    settings.EMAIL_TIMEOUT = 5
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        yield server


@pytest.mark.allow_hosts([HOST])
def test_mail_goes_over_smtp(post: MailServer, mailed: User, server_enterprise: Enterprise) -> None:
    User.objects.filter(pk=mailed.pk).update(language="fr")
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)

    tasks.deliver_notices.apply(throw=True)
    tasks.deliver_notices.apply(throw=True)

    (message,) = post.received
    assert message["To"] == "olivia@octo.example"
    assert message["From"] == "licensesync@localhost"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@localhost>")
    assert "utilisés" in message["Subject"]
    assert "1\xa0900 sièges utilisés sur 2\xa0000." in message.get_content()


@pytest.mark.allow_hosts([HOST])
@pytest.mark.parametrize("refused", ["AUTH", "MAIL", "RCPT", "DATA"])
def test_refused_mail_is_tried_again_and_tells_no_secret(
    refused: str,
    post: MailServer,
    mailed: User,
    server_enterprise: Enterprise,
    caplog: pytest.LogCaptureFixture,
) -> None:
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)
    post.refuses.add(refused)
    with caplog.at_level(logging.DEBUG):
        assert notice_mails.deliver(lambda: NOW) == 0
    assert [record.levelname for record in caplog.records if record.name == "enterprises.notice_mails"] == ["WARNING"]
    said = caplog.text + str([vars(record) for record in caplog.records])
    assert "olivia@octo.example" not in said
    assert PASSWORD not in said

    post.refuses.clear()

    assert notice_mails.deliver(lambda: NOW + A_MINUTE) == 0
    assert notice_mails.deliver(lambda: NOW + 2 * A_MINUTE) == 1
    assert len(post.received) == 1


@pytest.mark.allow_hosts([HOST])
def test_mail_that_never_gets_through_holds_up_no_other(
    post: MailServer, mailed: User, server_enterprise: Enterprise
) -> None:
    make_role(make_user("oskar", email="oskar@octo.example"), server_enterprise)
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)
    post.hates = mailed.email.encode()

    for minute in range(3):
        notice_mails.deliver(partial(identity, NOW + minute * A_MINUTE))

    assert [message["To"] for message in post.received] == ["oskar@octo.example"]
    assert NoticeMail.objects.get(user=mailed).sent_at is None


@pytest.mark.allow_hosts([HOST])
def test_mail_server_that_is_down_is_left_alone_ever_longer(
    settings: Settings, post: MailServer, mailed: User, server_enterprise: Enterprise
) -> None:
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)
    post.refuses.add("EHLO")
    post.refuses.add("HELO")
    at, tries = NOW, 0

    while notice_mails.due(at + timedelta(days=9)).exists():
        at = max(at, NoticeMail.objects.get().not_before)
        assert notice_mails.deliver(partial(identity, at)) == 0
        tries += 1

    assert tries == notice_mails.MOST_ATTEMPTS
    assert timedelta(days=1) < at - NOW < timedelta(days=3)


def test_mail_server_that_drips_does_not_take_the_next_minute_as_well(
    monkeypatch: pytest.MonkeyPatch, mailed: User, server_enterprise: Enterprise
) -> None:
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)

    def drip() -> object:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(notice_mails, "get_connection", drip)
    with pytest.raises(SoftTimeLimitExceeded):
        notice_mails.deliver(lambda: NOW)

    assert not notice_mails.due(NOW + A_MINUTE).exists()
    assert notice_mails.due(NOW + 2 * A_MINUTE).exists()
    assert tasks.deliver_notices.time_limit == A_MINUTE.total_seconds()


def test_broker_that_is_down_is_only_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mailed: User, server_enterprise: Enterprise
) -> None:
    look(Deployment.SERVER, [seats(server_enterprise)], NOW)

    def fail(**_options: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(tasks.deliver_notices, "apply_async", fail)
    tasks.publish_due_mails(NOW)

    assert "The broker did not take a message" in caplog.text


def test_preferences_say_that_mails_reach_nobody(owner_client: Client, settings: Settings) -> None:
    assert b"has no mail server" not in owner_client.get("/account/preferences").content

    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

    assert b"has no mail server" in owner_client.get("/account/preferences").content


def test_owner_without_an_address_is_told_and_gives_one(owner_client: Client, server_enterprise: Enterprise) -> None:
    assert b"no e-mail address of yours is known" in owner_client.get("/account/preferences").content

    form = {"language": "", "theme": "auto", "time_zone": "", "email": "olivia@octo.example"}
    assert owner_client.post("/account/preferences", form).status_code == 302

    user = User.objects.get(username="olivia")
    assert (user.email, user.wants_notices) == ("olivia@octo.example", False)
    assert b"no e-mail address of yours is known" not in owner_client.get("/account/preferences").content
    event = AuditEvent.objects.get(action="user.change_email")
    assert (event.before, event.after) == (None, None)
    owner_client.post("/account/preferences", form | {"wants_notices": "on"})
    assert User.objects.get(username="olivia").wants_notices
    assert AuditEvent.objects.filter(action="user.change_email").count() == 1


def test_open_causes_stand_on_the_page(owner_client: Client, cloud_enterprise: Enterprise) -> None:
    Ledger.objects.create(enterprise=cloud_enterprise)
    cause = Cause(enterprise_id=cloud_enterprise.pk, code="licenses_consumed", stage=2, facts={"used": 5, "total": 5})
    look(Deployment.CLOUD, [cause], NOW)

    page = owner_client.get(reverse("cloud:licensing", kwargs={"slug": "octo"}))
    assert b"All purchased licenses are consumed" in page.content


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("notifications", "octo-server", *arguments, stdout=out)
    return out.getvalue()


def test_command_lists_and_tries(mailed: User, server_enterprise: Enterprise, stranger: User) -> None:
    tick(seats(server_enterprise))

    assert command() == (
        "Mailed: olivia\n2026-03-02 09:30 UTC  seats_used  90 % of the seats of ghe.octo.example are used\n"
    )
    found = json.loads(command("--json"))
    assert (found["mailed"], found["notices"][0]["mails_sent"]) == (["olivia"], 1)
    assert found["notices"][0]["path"] == "/enterprises/octo-server/settings/license"
    mail.outbox.clear()
    assert command("--test", "olivia") == "A test mail to olivia was handed over.\n"
    assert [message.to for message in mail.outbox] == [["olivia@octo.example"]]
    with pytest.raises(CommandError, match="sam does not own octo-server"):
        command("--test", "sam")
    User.objects.update(email="")
    with pytest.raises(CommandError, match="olivia has no e-mail address"):
        command("--test", "olivia")


def test_command_asks_no_more_for_many_causes(
    mailed: User, server_enterprise: Enterprise, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Notice.objects.bulk_create(
        Notice(
            enterprise=server_enterprise,
            code="seats_used",
            facts=seats(server_enterprise).facts,
            opened_at=NOW,
            resolved_at=NOW,
        )
        for _one in range(30)
    )

    with django_assert_max_num_queries(6):
        assert len(json.loads(command("--json"))["notices"]) == 30


def test_command_switches_the_mails_of_an_owner(mailed: User, server_enterprise: Enterprise, stranger: User) -> None:
    assert json.loads(command("--off", "olivia", "--json")) == {"username": "olivia", "wants_notices": False}
    assert json.loads(command("--json"))["mailed"] == []
    command("--on", "olivia")
    assert json.loads(command("--json"))["mailed"] == ["olivia"]
    with pytest.raises(CommandError, match="sam does not own octo-server"):
        command("--off", "sam")


@pytest.mark.allow_hosts([HOST])
def test_doctor_and_command_say_whether_mail_can_be_sent(
    post: MailServer, mailed: User, server_enterprise: Enterprise
) -> None:
    def seen() -> Status:
        return next(check for check in local_checks() if check.name == "Mail").status

    assert seen() == Status.OK
    post.refuses.add("AUTH")
    assert seen() == Status.FAILED
    with pytest.raises(CommandError, match=r"could not be sent \(SMTPAuthenticationError\)"):
        command("--test", "olivia")


def test_doctor_says_that_mail_goes_to_files(settings: Settings, db: None) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"

    assert next(check for check in local_checks() if check.name == "Mail").status == Status.NOT_APPLICABLE
