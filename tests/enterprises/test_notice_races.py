"""Many ticks and workers at once open one notice, and send one mail."""

from __future__ import annotations

import pytest
from django.core import mail

from enterprises import notice_mails
from enterprises.models import Deployment, Enterprise, Notice, NoticeMail, User
from enterprises.notices import Cause, look
from tests.factories import NOW
from tests.support.races import THREADS, race, without_condition, without_unique

pytestmark = pytest.mark.django_db(transaction=True)
NEW_NOTICE = 'INSERT INTO "enterprises_notice"'
NEW_MAIL = 'INSERT INTO "enterprises_noticemail"'
CLAIM = 'UPDATE "enterprises_noticemail" SET "attempts"'


@pytest.fixture
def cause(owner: User, server_enterprise: Enterprise) -> Cause:
    User.objects.filter(pk=owner.pk).update(email="olivia@octo.example")
    facts = {"hostname": "ghe.octo.example", "used": 9, "total": 10}
    return Cause(enterprise_id=server_enterprise.pk, code="seats_used", stage=1, facts=facts)


def open_eight(cause: Cause) -> int:
    race(lambda _number: look(Deployment.SERVER, [cause], NOW), before=NEW_NOTICE)
    return Notice.objects.count()


def test_eight_ticks_open_one_notice(cause: Cause) -> None:
    assert open_eight(cause) == 1
    assert NoticeMail.objects.count() == 1


@pytest.mark.postgres
def test_without_the_constraint_they_open_eight(cause: Cause) -> None:
    with without_unique(Notice, "notice_open_once"):
        assert open_eight(cause) == THREADS


def note_eight(cause: Cause) -> int:
    look(Deployment.SERVER, [cause], NOW)
    NoticeMail.objects.all().delete()
    race(lambda _number: look(Deployment.SERVER, [cause], NOW), before=NEW_MAIL)
    return NoticeMail.objects.count()


def test_eight_ticks_note_one_mail(cause: Cause) -> None:
    assert note_eight(cause) == 1


@pytest.mark.postgres
def test_without_the_constraint_they_note_eight(cause: Cause) -> None:
    with without_unique(NoticeMail, "notice_mail_once"):
        assert note_eight(cause) == THREADS


def send_eight(cause: Cause) -> int:
    look(Deployment.SERVER, [cause], NOW)
    race(lambda _number: notice_mails.deliver(lambda: NOW), before=CLAIM)
    return len(mail.outbox)


def test_eight_workers_send_one_mail(cause: Cause) -> None:
    assert send_eight(cause) == 1


@pytest.mark.postgres
def test_without_the_condition_they_send_eight(cause: Cause) -> None:
    with without_condition(NoticeMail):
        assert send_eight(cause) == THREADS
