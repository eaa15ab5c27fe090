"""What the cloud itself refuses, and why: each of these answers is the real cloud's."""

import functools
import json
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from cloud import intake, retention
from cloud.claims import MAX_CLAIMS
from cloud.models import Intake, IntakePart, ReceiptSigner
from cloud.services import remove_installation
from connect.models import Connection, Server
from connect.services import rotate_app_key
from licensesync.models import SyncJob
from licensesync.syncing.exchange import opening
from tests.cloud_api.servers import app_key
from tests.faults.proxy import Exchange
from tests.states.rows import failure, read_decision
from tests.states.rows_network import OPEN, PART
from tests.states.scene import ACCOUNTS, KEYS, Scene
from wire import parts, signing

COMMIT = ("POST", r"/commit$")
BEGINNINGS = 3
"""How often a sync begins anew by itself before it is left for later."""


@failure("not_authorized", read_decision)
def app_key_is_older(scene: Scene) -> None:
    """The server was restored from a backup that is older than its App key."""
    former = scene.connection.app_key
    # None of those that servers of this world get.
    another = app_key(KEYS)
    scene.patch.setattr(signing, "new_app_key", lambda: another)
    rotate_app_key(connection=scene.connection, by=scene.owner, at=timezone.now())
    Connection.objects.filter(server=scene.server).update(app_key=former)
    scene.forget_token()
    scene.sync()


@failure("installation_gone")
def removed_on_the_cloud(scene: Scene) -> None:
    """An owner of the cloud account removed the server there."""
    remove_installation(installation=scene.installation, by=scene.owner, at=timezone.now())
    scene.sync()


@failure("clock_skew")
def clocks_apart(scene: Scene) -> None:
    """The clocks of server and cloud are two days apart."""
    scene.console.cloud_is_ahead = timedelta(days=2)
    scene.line.seconds_off = timedelta(days=2).total_seconds()
    scene.forget_token()
    scene.sync()


@failure("receipt_invalid")
def other_cloud(scene: Scene) -> None:
    """The cloud came back without its receipt keys, and made others."""
    ReceiptSigner.objects.all().delete()
    scene.sync_new_seats()


@failure("revision_conflict", read_decision)
def restored(scene: Scene) -> None:
    """The server was restored from a backup, and the cloud has received a sync since then."""
    held = scene.connection
    lost = scene.sync_new_seats()
    SyncJob.objects.filter(pk=lost.pk).delete()
    Connection.objects.filter(pk=held.pk).update(
        base_revision=held.base_revision, base_snapshot_id=held.base_snapshot_id
    )
    scene.seat(range(1, ACCOUNTS + 3))
    scene.sync()


@failure("hostname_changed", read_decision)
def renamed(scene: Scene) -> None:
    """The server has another host name than at its last sync."""
    Server.objects.filter(pk=scene.server.pk).update(hostname="renamed.octo.example")
    scene.sync()


@failure("shrink_unconfirmed", read_decision)
def most_have_gone(scene: Scene) -> None:
    """Only a few of the accounts are left that the cloud holds of this server."""
    scene.seat(range(1, 4))
    scene.sync()


@failure("busy")
def workers_of_the_cloud_die(scene: Scene) -> None:
    """The workers of the cloud were killed again and again while they applied the sync."""

    def die() -> None:
        Intake.objects.filter(state=Intake.State.APPLYING).update(claim=MAX_CLAIMS)
        scene.apply()

    scene.seat(range(1, ACCOUNTS + 2))
    scene.work(scene.request(), meanwhile=die)


@failure("still_applying")
def workers_of_the_cloud_stand_still(scene: Scene) -> None:
    """No worker runs on the cloud: two hours after everything was sent, the sync is not applied."""
    scene.cloud_works = False
    scene.seat(range(1, ACCOUNTS + 2))
    job = scene.sync()
    scene.pass_time(hours=2)
    scene.work(job)


@failure("expired")
def another_copy(scene: Scene) -> None:
    """Another copy of the server sends its seats at the same time, again and again."""

    def other_sends(exchange: Exchange) -> None:
        with scene.in_this_thread():
            job = SyncJob.objects.filter(connection=scene.connection).latest("pk")
            job.sync_id = f"{'0' * 8}-0000-4000-8000-{len(exchange.rule.answers):012d}"
            intake.open_sync(scene.installation, opening(job), timezone.now())
        exchange.reply(exchange.forward())

    scene.line.on(*PART, other_sends, times=BEGINNINGS)
    scene.sync_new_seats()


def _while_sending(message: tuple[str, str]) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Let something happen on the cloud right before such a message arrives, at each beginning of a sync."""

    def declare(happens: Callable[[Scene], None]) -> Callable[[Scene], None]:
        @functools.wraps(happens)
        def cause(scene: Scene) -> None:
            def strike(exchange: Exchange) -> None:
                with scene.in_this_thread():
                    happens(scene)
                exchange.reply(exchange.forward())

            scene.line.on(*message, strike, times=BEGINNINGS**2)
            scene.sync_new_seats()

        return cause

    return declare


@failure("unknown_sync")
@_while_sending(PART)
def cloud_forgets(_scene: Scene) -> None:
    """The cloud is restored from a backup while the sync is sent, again and again."""
    Intake.objects.all().delete()


@failure("unfinished")
@_while_sending(COMMIT)
def parts_get_lost(_scene: Scene) -> None:
    """What the cloud had received is lost before it applies it, again and again."""
    IntakePart.objects.all().delete()


@failure("expired")
@_while_sending(PART)
def sending_takes_days(scene: Scene) -> None:
    """Between two parts of a sync the cloud hears nothing for more than a day, again and again."""
    retention.enforce(timezone.now() + timedelta(days=1, hours=1))


def _bent(change: Callable[[bytes], bytes]) -> Callable[[Exchange], None]:
    """Something on the way changes what a message carries, and says so in its digest."""

    def strike(exchange: Exchange) -> None:
        exchange.change(change(exchange.body))
        exchange.reply(exchange.forward())

    return strike


@failure("part_invalid")
def part_is_nonsense(scene: Scene) -> None:
    """A part is replaced on its way by something that is no part."""
    scene.line.on(*PART, _bent(lambda _body: b"nonsense"))
    scene.sync_new_seats()


@failure("digest_mismatch")
def lines_are_changed(scene: Scene) -> None:
    """Lines of a part are changed on their way."""
    scene.line.on(*PART, _bent(lambda body: parts.pack(parts.unpack(body).replace(b"p7@", b"q7@"))))
    scene.sync_new_seats()


@failure("unsupported_format")
def other_format(scene: Scene) -> None:
    """The server speaks only formats that came after this cloud."""
    scene.line.on(*OPEN, _bent(lambda body: body.replace(b'"formats":[1]', b'"formats":[99]')))
    scene.sync_new_seats()


@failure("invalid_request")
def not_understood(scene: Scene) -> None:
    """The server says something that this cloud does not understand."""
    scene.line.on(*OPEN, _bent(lambda body: json.dumps(json.loads(body) | {"parts": 0}).encode()))
    scene.sync_new_seats()


@failure("sync_id_reused")
def opened_twice(scene: Scene) -> None:
    """Something on the way repeats the beginning of a sync with other words, again and again."""

    def strike(exchange: Exchange) -> None:
        right = exchange.body
        exchange.change(json.dumps(json.loads(right) | {"allow_shrink": True}).encode())
        exchange.forward()
        exchange.change(right)
        exchange.reply(exchange.forward())

    scene.line.on(*OPEN, strike, times=BEGINNINGS)
    scene.sync_new_seats()
