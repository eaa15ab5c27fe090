"""Server usage that comes as a file: what "Add server usage" does, for scripts beside servers without a network.

One request brings the file, another asks how it goes until it is over, a third fetches the receipt.
"""

from enum import StrEnum
from http import HTTPStatus
from typing import Final, NoReturn

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from ninja import Router

from cloud import usage_files
from cloud.api import auth
from cloud.api.addresses import api_address
from cloud.api.auth import TokenRequest
from cloud.api.bodies import answer, open_body
from cloud.api.conditional import short_answer, short_file
from cloud.api.described import described, described_deed
from cloud.api.errors import Refused
from cloud.api.paging import link_pages, window
from cloud.api.resources import upload_examples as examples
from cloud.api.resources.upload_shapes import DOCUMENTATION, Uploads, refusal_facts, shape_of, without_samples
from cloud.api.resources.words import TAG, number_in
from cloud.models import Intake, Ledger
from cloud.people.visible import Viewer, viewer_of
from cloud.usage_files import UploadCode, UploadRefused
from enterprises.access import Need, Scope
from enterprises.audit import actor_ip
from enterprises.throttling import seconds_to_wait_for
from enterprises.uploads import MAX_A_MINUTE, MAX_BYTES
from wire.messages import ErrorCode

router = Router(auth=auth.person)

_PATH = "/enterprises/{enterprise}/server-usage"
_CONFLICTS: Final = frozenset(
    {
        *(UploadCode.OLDER_THAN_HELD, UploadCode.ALREADY_APPLIED, UploadCode.ALREADY_HELD, UploadCode.OTHER_ACCOUNT),
        *(UploadCode.TOO_MANY_WAITING, UploadCode.NOT_READY, UploadCode.EXPIRED),
        *(ErrorCode.REVISION_CONFLICT, ErrorCode.HOSTNAME_CHANGED, ErrorCode.SHRINK_UNCONFIRMED),
        *(ErrorCode.SUPERSEDED, ErrorCode.CONNECTION_EXISTS, ErrorCode.INSTALLATION_GONE),
    }
)
"""Of files that are sound, where what is held stands in the way; of all other refusals the file is the reason."""


@router.post(
    _PATH,
    url_name="create_upload",
    **described_deed(
        "add-server-usage",
        "Add server usage",
        examples.ACCEPTED,
        tag=TAG,
        parameters=(*examples.PARAMETERS, *examples.DECISIONS),
        body=examples.BODY,
        refusals=examples.REFUSALS,
    ),
)
def create_upload(request: TokenRequest, enterprise: str) -> HttpResponse:
    """Bring the usage file of a server. It is applied as soon as it is read, unless a preview is asked for.

    Every code with which a file is refused, and what to do about it, is in docs/formats.md.
    """
    ledger = _owned(request, enterprise)
    is_preview, allow_shrink, allow_rename = (
        _flag(request, name) for name in ("preview", "allow_shrink", "allow_rename")
    )
    _check_pace(request)
    body = open_body(request, MAX_BYTES)
    try:
        intake = usage_files.upload(
            ledger=ledger,
            stream=body,
            name="",
            by=request.auth.user,
            at=timezone.now(),
            ip=actor_ip(request),
            fingerprint=request.GET.get("fingerprint", ""),
            apply=not is_preview,
            allow_shrink=allow_shrink,
            allow_rename=allow_rename,
        )
        if not is_preview:
            _check_is_applied(intake)
    except UploadRefused as error:
        _refuse(request, error, enterprise)
    return _accepted(request, intake, enterprise)


@router.get(
    _PATH,
    url_name="uploads",
    **described("list-server-usage", "List uploads of server usage", examples.LISTED, tag=TAG, is_paged=True),
)
def list_uploads(request: TokenRequest, enterprise: str) -> HttpResponse:
    """The usage files that came for the servers of the account, and what became of each."""
    asked, found = window(request), usage_files.uploads_of(auth.ledger(request, enterprise))
    listed = found.count()
    with translation.override("en"):
        keys = usage_files.receipt_fingerprints()
        uploads = [shape_of(request, intake, enterprise, keys) for intake in without_samples(found[asked.rows])]
    answered = Uploads(total_count=listed, uploads=uploads)
    return link_pages(short_answer(request, answered), request, asked, listed)


@router.get(
    _PATH + "/{upload}",
    url_name="upload",
    **described("get-server-usage", "Get an upload of server usage", examples.DONE, tag=TAG),
)
def show_upload(request: TokenRequest, enterprise: str, upload: str) -> HttpResponse:
    """Where the upload stands; ask again while it is PENDING. Samples are for owners, as the file was."""
    intake = _found(auth.ledger(request, enterprise), upload)
    if viewer_of(request.auth.user) is not Viewer.OWNER:
        intake.samples = None
    with translation.override("en"):
        return short_answer(request, shape_of(request, intake, enterprise, usage_files.receipt_fingerprints()))


@router.post(
    _PATH + "/{upload}/apply",
    url_name="apply_upload",
    **described_deed(
        "apply-server-usage",
        "Apply a preview of server usage",
        examples.ACCEPTED,
        tag=TAG,
        parameters=examples.DECISIONS,
        refusals={
            status: examples.REFUSALS[status] for status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
        },
    ),
)
def apply_upload(request: TokenRequest, enterprise: str, upload: str) -> HttpResponse:
    """Apply what a preview has shown; again, and the answer is the same."""
    intake = _found(_owned(request, enterprise), upload)
    allow_shrink, allow_rename = _flag(request, "allow_shrink"), _flag(request, "allow_rename")
    try:
        is_mine = usage_files.apply_upload(
            intake=intake,
            by=request.auth.user,
            at=timezone.now(),
            ip=actor_ip(request),
            allow_shrink=allow_shrink,
            allow_rename=allow_rename,
        )
        if not is_mine:
            _check_is_applied(intake)
    except UploadRefused as error:
        _refuse(request, error, enterprise)
    return _accepted(request, intake, enterprise)


@router.delete(
    _PATH + "/{upload}",
    url_name="discard_upload",
    **described_deed(
        "discard-server-usage",
        "Discard an upload of server usage",
        examples.DISCARDED,
        tag=TAG,
        status=HTTPStatus.OK,
        refusals={},
    ),
)
def discard_upload(request: TokenRequest, enterprise: str, upload: str) -> HttpResponse:
    """Throw a preview away. What is applied or refused stays as it is, and the answer says so."""
    intake = _found(_owned(request, enterprise), upload)
    usage_files.discard_upload(intake=intake, by=request.auth.user, at=timezone.now(), ip=actor_ip(request))
    return _told(request, intake, enterprise, HTTPStatus.OK)


@router.get(
    _PATH + "/{upload}/receipt",
    url_name="upload_receipt",
    **described("get-server-usage-receipt", "Get the receipt for server usage", examples.RECEIPT, tag=TAG),
)
def show_receipt(request: TokenRequest, enterprise: str, upload: str) -> HttpResponse:
    """The signed receipt as the file that the server imports; 404 until the upload is applied."""
    intake = _found(auth.ledger(request, enterprise), upload)
    if not intake.receipt:
        raise Http404
    return short_file(request, usage_files.receipt_of(intake), usage_files.receipt_name(intake))


def _owned(request: TokenRequest, slug: str) -> Ledger:
    account = auth.account(request, slug, scope=Scope.ADMIN_ENTERPRISE, need=Need.OWN)
    return Ledger.objects.select_related("enterprise").get(enterprise=account)


def _found(ledger: Ledger, upload: str) -> Intake:
    found = usage_files.uploads_of(ledger).filter(pk=number_in(upload)).first()
    if found is None:
        raise Http404
    return found


def _check_is_applied(intake: Intake) -> None:
    """:raises UploadRefused: only its preview is being computed, or it was thrown away: nothing will be applied"""
    intake.refresh_from_db()
    if intake.kind == Intake.Kind.PREVIEW and intake.state == Intake.State.APPLYING:
        raise UploadRefused(UploadCode.NOT_READY, intake=intake)
    if intake.kind == Intake.Kind.PREVIEW and intake.state == Intake.State.EXPIRED:
        raise UploadRefused(UploadCode.EXPIRED)


def _flag(request: HttpRequest, name: str) -> bool:
    value = request.GET.get(name, "false")
    if value not in ("true", "false"):
        raise Refused(ErrorCode.INVALID_REQUEST, f"Validation Failed: {name} is true or false.")
    return value == "true"


def _check_pace(request: TokenRequest) -> None:
    """:raises Refused: rate_limited; the pages count uploads of the same person with these"""
    if wait := seconds_to_wait_for(f"person:{request.auth.user_id}", request, "upload", most=MAX_A_MINUTE):
        raise Refused(ErrorCode.RATE_LIMITED, "Too many uploads; try again later.", retry_after=wait)


def _accepted(request: TokenRequest, intake: Intake, slug: str) -> HttpResponse:
    response = _told(request, intake, slug, HTTPStatus.ACCEPTED)
    response["Location"] = api_address(request, f"enterprises/{slug}/server-usage/{intake.pk}")
    return response


def _told(request: TokenRequest, intake: Intake, slug: str, status: HTTPStatus) -> HttpResponse:
    now = usage_files.uploads_of(intake.installation.ledger).get(pk=intake.pk)
    with translation.override("en"):
        return answer(shape_of(request, now, slug, usage_files.receipt_fingerprints()), status=status)


def _refuse(request: HttpRequest, error: UploadRefused, slug: str) -> NoReturn:
    status, more = status_of_refusal(error.code), refusal_facts(request, error, slug)
    raise Refused(error.code, error.sentence, status=status, documentation=DOCUMENTATION, more=more) from error


def status_of_refusal(code: StrEnum) -> HTTPStatus:
    """What the API answers to a file that is refused for this."""
    if code is ErrorCode.PAYLOAD_TOO_LARGE:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return HTTPStatus.CONFLICT if code in _CONFLICTS else HTTPStatus.UNPROCESSABLE_ENTITY
