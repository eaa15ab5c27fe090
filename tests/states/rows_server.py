"""What goes wrong on the server itself, and what people end."""

from django.utils import timezone

from licensesync.deciding import become_copy
from licensesync.models import SyncJob, SyncPart
from tests.faults.proxy import Exchange
from tests.states.rows import failure, read_file, read_no_seats, read_preview, read_run
from tests.states.rows_network import OPEN
from tests.states.scene import Scene


@failure("internal_error")
def lines_are_lost(scene: Scene) -> None:
    """The lines that the server had put by for sending are not there any more."""

    def lose(exchange: Exchange) -> None:
        with scene.in_this_thread():
            SyncPart.objects.all().delete()
        exchange.reply(exchange.forward())

    scene.line.on(*OPEN, lose)
    scene.sync_new_seats()


@failure("no_seats", read_no_seats)
def nothing_to_sync(scene: Scene) -> None:
    """Sync now was pressed before any seats were there."""
    scene.new_server(seats=False)
    scene.connect()
    scene.sync()


@failure("cancelled_by_person", read_run)
def cancelled(scene: Scene) -> None:
    """An owner pressed Cancel."""
    job = scene.request()
    scene.press("sync_cancel", job=str(job.pk))


@failure("declared_copy", read_file)
def file_of_the_original(scene: Scene) -> None:
    """A server was called a copy of another one while its usage file waited for a receipt."""
    original = scene.new_server().hostname
    scene.export()
    become_copy(server=scene.server, hostname="copy.octo.example", taken=original, by=scene.owner, at=timezone.now())


@failure("preview_overtaken", read_preview)
def preview_overtaken(scene: Scene) -> None:
    """Sync now was pressed before a preview was done."""
    scene.request(kind=SyncJob.Kind.PREVIEW)
    scene.press("sync_now")


@failure("sync_disabled", read_run)
def disabled(scene: Scene) -> None:
    """An owner set license sync to Disabled while a sync was waiting."""
    job = scene.request()
    scene.enable(False)
    scene.work(job)


@failure("not_connected", read_run)
def disconnected(scene: Scene) -> None:
    """An owner disabled GitHub Connect while a sync was waiting."""
    job = scene.request()
    scene.press("connection_disable")
    scene.work(job)
    assert job.state == SyncJob.State.CANCELLED
