"""What the document shows of uploads: answers in full, the parameters, and the refusals."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec

from cloud.api.described import Error, Parameter
from cloud.api.resources.upload_shapes import (
    DOCUMENTATION,
    Upload,
    UploadDifference,
    UploadError,
    Uploads,
    UploadSample,
)
from wire.messages import Account, EndorsedKey, Receipt
from wire.receipts import ReceiptFile

_FINGERPRINT: Final = "5c1f 9a0e 77d2 41b6 c3e8 0f4d 2b95 e61a 1b07 3d5e 92ac 6f40 d8b1 7c23 a94e 05f6"
_AT: Final = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_YES_OR_NO: Final = {"type": "boolean", "default": False}

PARAMETERS: Final = (
    Parameter(
        name="preview",
        description="Only compute what it would change; POST .../apply then applies it.",
        schema=_YES_OR_NO,
    ),
    Parameter(
        name="fingerprint",
        description="Of the server's key, with or without spaces: registers a server that is not known yet.",
        schema={"type": "string", "maxLength": 200},
    ),
)
DECISIONS: Final = (
    Parameter(
        name="allow_shrink",
        description="It is meant that more than a fifth of the accounts go.",
        schema=_YES_OR_NO,
    ),
    Parameter(
        name="allow_rename",
        description="The server was renamed: know it under the name in the file from now on.",
        schema=_YES_OR_NO,
    ),
)
BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "The file as Export license usage gives it, at most 512 MiB, with its Content-Length.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}
DONE: Final = Upload(
    id=5,
    state="SUCCESS",
    stage="",
    progress=1.0,
    hostname="ghes1.octo.example",
    server_id="0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11",
    fingerprint=_FINGERPRINT,
    snapshot_id="6f1de2a4-5c1b-4c7e-8f3a-2d6b9c0e1f22",
    accounts=640,
    taken_at="2026-03-02T04:00:00Z",
    uploaded_at="2026-03-02T09:30:00Z",
    finished_at="2026-03-02T09:30:04Z",
    difference=UploadDifference(
        accounts=640,
        added=12,
        changed=1,
        removed=3,
        licenses_before=803,
        licenses_after=812,
        revision=42,
        people_added=10,
        people_removed=1,
        people_matched=2,
        people_unmatched=0,
        licenses_added=10,
        licenses_removed=1,
        samples=[UploadSample(user_id=7, primary="mona@octo.example", change="added", match="verified")],
    ),
    code="",
    message="",
    receipt_url="https://cloud.example/api/v3/enterprises/octo/server-usage/5/receipt",
    receipt_fingerprint=_FINGERPRINT,
)
ACCEPTED: Final = msgspec.structs.replace(
    DONE,
    state="PENDING",
    stage="reading",
    progress=0.0,
    finished_at=None,
    difference=None,
    receipt_url=None,
    receipt_fingerprint="",
)
DISCARDED: Final = msgspec.structs.replace(DONE, state="DISCARDED", receipt_url=None, receipt_fingerprint="")
LISTED: Final = Uploads(total_count=1, uploads=[DONE])


def _refusal(status: HTTPStatus, code: str, message: str, **facts: Any) -> UploadError:
    return UploadError(message=message, code=code, documentation_url=DOCUMENTATION, status=str(status.value), **facts)


REFUSALS: Final[dict[HTTPStatus, tuple[msgspec.Struct, str]]] = {
    HTTPStatus.CONFLICT: (
        _refusal(HTTPStatus.CONFLICT, "older_than_held", "The file is older than what is held of this server."),
        "The file is sound, and does not continue what is held of its server.",
    ),
    HTTPStatus.LENGTH_REQUIRED: (
        Error(
            message="Content-Length is required.",
            code="invalid_request",
            documentation_url="docs/wire.md#error-codes",
            status="411",
        ),
        "The body states no length.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload_too_large", "A usage file has at most 512 MiB."),
        "More than 512 MiB. Nothing of it was read.",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        _refusal(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "unknown_server",
            "No server of this account has this key. Compare its fingerprint with the one on the server's page.",
            fingerprint=_FINGERPRINT,
            server_id=DONE.server_id,
            hostname=DONE.hostname,
        ),
        "The file is not what it should be, its server is not known yet, or a parameter is neither true nor false.",
    ),
}
REFUSALS_OF_APPLYING: Final = {
    HTTPStatus.CONFLICT: (
        _refusal(HTTPStatus.CONFLICT, "superseded", "Other usage of this server was applied in the meantime."),
        "What the preview has shown is not true any more, or something has to be confirmed.",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        REFUSALS[HTTPStatus.UNPROCESSABLE_ENTITY][0],
        "A parameter is neither true nor false.",
    ),
}
RECEIPT: Final = ReceiptFile(
    account=Account(slug="octo", name="Octo", kind="enterprise"),
    cloud_url="https://cloud.example",
    receipt=Receipt(
        sync_id=DONE.snapshot_id,
        server_id=DONE.server_id,
        hostname=DONE.hostname,
        account="octo",
        sha256="1c5f252b2c322f1852a389fbf1715f8cf8ff4cc6b0323ab0637c1fc7477d4f24",
        accounts=640,
        added=12,
        changed=1,
        removed=3,
        licenses_before=803,
        licenses_after=812,
        revision=42,
        taken_at=_AT,
        applied_at=_AT,
    ),
    jws="eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl",
    keys=(EndorsedKey(kid="receipts-1-5c1f", x="11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", endorsement=""),),
)
