"""Writes what docs/wire.md calls a recorded conversation: `pytest tests/contract/record_conversation.py`.

It is no test, and is run by hand once, when a format is about to be followed by the next one. The folder
`tests/data/conversation-N` of the newest format holds `seats.ndjson`, `seats.csv` and `members.ndjson` before.
"""

import io
import uuid

import msgspec
import pytest
import time_machine
from django.utils import timezone
from requests import PreparedRequest, Response
from urllib3 import HTTPResponse

from cloud import intake, reports
from cloud.models import Intake
from enterprises.secrets import new_secret
from licensesync.models import SyncJob
from tests.contract.recorded import AT, DATA, Conversation, Exchange, Scene, exchange_of, set_up_cloud, set_up_server
from tests.contract.recorded import speak as whole_conversation
from tests.support.wsgi_adapter import WsgiAdapter
from wire import signing
from wire.messages import FORMAT

CONVERSATION = Conversation(DATA / f"conversation-{FORMAT}")


def write(name: str, content: object) -> None:
    """One file, in a form that people can read differences of."""
    (CONVERSATION.folder / name).write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")


def a_scene() -> Scene:
    """Keys and ids of this recording alone."""
    return Scene(
        server_id=uuid.uuid4(),
        sync_ids=(uuid.uuid4(), uuid.uuid4(), uuid.uuid4()),
        app_id=4_711,
        identity_key=signing.private_pem(signing.new_identity_key()),
        app_key=signing.private_pem(signing.new_app_key()),
        receipt_key=signing.private_pem(signing.new_identity_key()),
        owner_token=new_secret(),
    )


@pytest.mark.django_db
def test_record() -> None:
    """Let the server and the cloud of this version speak, and keep every word."""
    write("scene.json", a_scene())
    exchanges: list[Exchange] = []

    def keep(request: PreparedRequest, response: Response) -> None:
        said = response.raw.read()
        exchanges.append(exchange_of(request, status=response.status_code, answer=said.decode()))
        # The client reads it after us.
        response.raw = HTTPResponse(
            io.BytesIO(said), headers=response.raw.headers, status=response.status_code, preload_content=False
        )

    def apply_what_waits(_seconds: float) -> None:
        for pk in Intake.objects.filter(state=Intake.State.APPLYING).values_list("pk", flat=True):
            intake.apply(pk, timezone.now)

    with time_machine.travel(AT, tick=False):
        ledger = set_up_cloud(CONVERSATION)
        connection = set_up_server(CONVERSATION)
        jobs = whole_conversation(CONVERSATION, connection, WsgiAdapter(interrupt=keep), apply_what_waits)
        report = "".join(reports.csv_lines(ledger))

    assert [job.state for job in jobs] == [SyncJob.State.SUCCEEDED] * 4
    write("exchanges.json", exchanges)
    (CONVERSATION.folder / "consumed-licenses.csv").write_text(report, newline="")
