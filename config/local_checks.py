"""What the doctor sees of this console itself: address, database, migrations, broker, encryption keys, disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import get_connection
from django.db import connection
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from config.health import broker_state, database_state, migrations_state
from config.heartbeat import Beat, beat_state
from enterprises.doctor import Check, Status, this_console
from enterprises.keys import encrypted_columns
from enterprises.notices import reach_nobody
from enterprises.secrets import WrongEncryptionKey, decrypt, stored_values

if TYPE_CHECKING:
    from collections.abc import Iterator

GIB = 1024**3
LITTLE_SPACE = GIB
NO_SPACE = GIB // 10


def local_checks() -> Iterator[Check]:
    """What needs the database comes only where it answers."""
    yield _address()
    yield _disk()
    yield _mail()
    broker = _broker()
    yield broker
    if broker.status == Status.OK:
        yield _beat()
    database = _database()
    yield database
    if database.status == Status.OK:
        migrations = _migrations()
        yield migrations
        if migrations.status == Status.OK:
            yield _keys()


def _check(name: str, status: Status, seen: str, next_step: str = "") -> Check:
    return Check(about=this_console(), name=name, status=status, seen=seen, next_step=next_step)


def _address() -> Check:
    name, seen = _("Address"), _("BASE_URL is %(url)s.") % {"url": settings.BASE_URL}
    is_for_itself = any(settings.BASE_URL.startswith(f"http://{host}") for host in ("localhost", "127.0.0.1", "[::1]"))
    if settings.IS_HTTPS or is_for_itself:
        return _check(name, Status.OK, seen)
    step = _("Give this console a certificate, and BASE_URL its https: without it browsers send passwords openly.")
    return _check(name, Status.WARNING, seen, step)


def _disk() -> Check:
    free = shutil.disk_usage(settings.DATA_DIR).free
    name, seen = _("Disk space"), _("The data folder has %(free)s GiB free.") % {"free": number_format(free / GIB, 1)}
    if free >= LITTLE_SPACE:
        return _check(name, Status.OK, seen)
    status = Status.FAILED if free < NO_SPACE else Status.WARNING
    return _check(name, status, seen, _("Make room on the disk of the data folder."))


def _mail() -> Check:
    """Whether owners can be mailed; the server is greeted, and signed in to, and nothing is sent."""
    name, where = _("Mail"), settings.EMAIL_HOST
    if reach_nobody():
        seen = _("There is no EMAIL_URL: notifications are written to files in the data folder, and reach nobody.")
        step = _("Set EMAIL_URL, such as smtp://user:password@mail.example:587?tls=true&from=licensesync@example.com.")
        return _check(name, Status.NOT_APPLICABLE, seen, step)
    try:
        with get_connection():
            return _check(name, Status.OK, _("The mail server %(host)s takes mail.") % {"host": where})
    except OSError as error:
        kind = type(error).__name__
        seen = _("The mail server %(host)s cannot be used (%(kind)s).") % {"host": where, "kind": kind}
        return _check(name, Status.FAILED, seen, _("Check EMAIL_URL; what is to be sent waits for about two days."))


def _broker() -> Check:
    if broker_state() == "ok":
        return _check(_("Broker"), Status.OK, _("The broker answers."))
    step = _("Start Redis or Valkey, and check REDIS_URL; what is due is started as soon as it is back.")
    return _check(_("Broker"), Status.FAILED, _("The broker does not answer."), step)


def _beat() -> Check:
    name, step = _("Beat"), _("Start beat, or look into its log.")
    match beat_state():
        case Beat.OK:
            return _check(name, Status.OK, _("Beat gave a sign of life within the last three minutes."))
        case Beat.AWAITED:
            seen = _("Beat was not heard yet; that takes up to three minutes.")
            return _check(name, Status.WARNING, seen, _("Run the doctor again in three minutes."))
        case Beat.SILENT:
            seen = _("Beat has not been heard for more than three minutes: nothing that is due begins.")
        case Beat.NEVER_HEARD:
            seen = _("Beat has not been heard since the broker was started or emptied: nothing that is due begins.")
        case Beat.UNKNOWN:
            seen = _("Whether beat is alive cannot be said: the broker does not answer.")
    return _check(name, Status.FAILED, seen, step)


def _database() -> Check:
    if database_state() == "ok":
        seen = _("%(kind)s answers.") % {"kind": connection.display_name}
        return _check(_("Database"), Status.OK, seen)
    step = _("Start the database, and check DATABASE_URL.")
    return _check(_("Database"), Status.FAILED, _("The database does not answer."), step)


def _migrations() -> Check:
    if migrations_state() == "ok":
        return _check(_("Migrations"), Status.OK, _("The tables are those of this version."))
    return _check(
        _("Migrations"),
        Status.FAILED,
        _("The tables are not those of this version: migrations are pending."),
        _("Run manage.py migrate, then start web, worker and beat again."),
    )


def _keys() -> Check:
    kept = list(_kept_secrets())
    closed = sum(1 for text in kept if not _opens(text))
    numbers = {"closed": closed, "all": len(kept)}
    if not closed:
        seen = _("FIELD_ENCRYPTION_KEYS opens all %(all)d stored secrets.") % numbers
        return _check(_("Encryption keys"), Status.OK, seen)
    seen = _("FIELD_ENCRYPTION_KEYS does not open %(closed)d of %(all)d stored secrets.") % numbers
    step = _("Put the key that was in use when they were saved back into FIELD_ENCRYPTION_KEYS.")
    return _check(_("Encryption keys"), Status.FAILED, seen, step)


def _kept_secrets() -> Iterator[str]:
    for model, field in encrypted_columns():
        yield from (kept for _pk, kept in stored_values(model, field))


def _opens(kept: str) -> bool:
    try:
        decrypt(kept)
    except WrongEncryptionKey:
        return False
    return True
