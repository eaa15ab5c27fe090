"""Bring back the cloud's receipt for a usage file: choose it, and the first time compare whose key signed it."""

import io
from http import HTTPStatus
from typing import Any, TypeGuard

import msgspec
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from connect.models import Server
from connect.receipt_files import read_receipt_stream
from connect.receipt_refusals import ReceiptKeyUnknown, ReceiptOfAnotherAccount, ReceiptOfNoFile, ReceiptRefused
from enterprises import throttling, uploads
from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.models import StagedUpload
from enterprises.requests import SignedInRequest
from licensesync.forms import ReceiptFileForm, TrustReceiptForm
from licensesync.importing_receipts import import_receipt
from licensesync.pages.receipt_import import ConfirmPage
from licensesync.pages.usage_file import usage_file_page
from licensesync.views.guard import server_for

PURPOSE = "receipt"
_Question = ReceiptKeyUnknown | ReceiptOfAnotherAccount | ReceiptOfNoFile


@login_required
@require_POST
def take(request: SignedInRequest, slug: str) -> HttpResponse:
    """Import a receipt, or lead to what has to be confirmed first."""
    server = server_for(request, slug, Need.OWN)
    if wait := throttling.seconds_to_wait_for_upload(request):
        return throttling.too_many(request, wait)
    form = ReceiptFileForm(request.POST, request.FILES)
    if form.is_valid() and (answer := _taken(request, server, form)):
        return answer
    page = usage_file_page(server, timezone.now(), is_owner=True)
    context = {"page": page, "form": form}
    return render(request, "licensesync/usage_file.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


def _taken(request: SignedInRequest, server: Server, form: ReceiptFileForm) -> HttpResponse | None:
    """Where to go on; None where it is refused, and the form says why."""
    file = form.cleaned_data["receipt"]
    try:
        content = read_receipt_stream(file)
        _import(request, server, content)
    except ReceiptRefused as refused:
        if not _can_be_confirmed(refused):
            form.add_error("receipt", str(refused))
            return None
        upload = uploads.stage_upload(
            enterprise=server.enterprise,
            purpose=PURPOSE,
            stream=io.BytesIO(content),
            name=file.name,
            by=request.user,
            at=timezone.now(),
        )
        _ask(upload, refused)
        return redirect("licensesync:receipt_confirm", slug=server.enterprise.slug, pk=upload.pk)
    return redirect("licensesync:usage_file", slug=server.enterprise.slug)


@login_required
@require_http_methods(["GET", "POST"])
def confirm(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show whose key signed a waiting receipt, and believe it once an owner compared the fingerprint."""
    server = server_for(request, slug, Need.OWN)
    if wait := throttling.seconds_to_wait_for_upload(request):
        return throttling.too_many(request, wait)
    upload = _waiting(request, server, pk)
    page = ConfirmPage(server=server, upload=upload)
    form = TrustReceiptForm(request.POST if request.method == "POST" else None, review=page.asked)
    if request.method == "POST" and form.is_valid():
        try:
            return _confirmed(request, page, is_adopting=bool(form.cleaned_data.get("adopt")))
        except ReceiptRefused as refused:
            form.add_error(None, str(refused))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "licensesync/receipt_confirm.html", {"page": page, "form": form}, status=status)


def _confirmed(request: SignedInRequest, page: ConfirmPage, *, is_adopting: bool) -> HttpResponse:
    """:raises ReceiptRefused: it changed nothing, and nothing that could be confirmed would help"""
    upload, slug = page.upload, page.slug
    content = read_receipt_stream(uploads.open_upload(upload))
    try:
        asked = page.asked
        _import(
            request,
            page.server,
            content,
            fingerprint=asked["fingerprint"],
            adopt=is_adopting,
            account=asked.get("account", ""),
        )
    except (ReceiptKeyUnknown, ReceiptOfNoFile) as question:
        # One question after the other.
        _ask(upload, question)
        return redirect("licensesync:receipt_confirm", slug=slug, pk=upload.pk)
    uploads.discard_upload(upload)
    return redirect("licensesync:usage_file", slug=slug)


@login_required
@require_POST
def discard(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Throw a waiting receipt away."""
    server = server_for(request, slug, Need.OWN)
    uploads.discard_upload(_waiting(request, server, pk))
    messages.info(request, _("The receipt was thrown away. Nothing changed."))
    return redirect("licensesync:usage_file", slug=slug)


def _import(
    request: SignedInRequest,
    server: Server,
    content: bytes,
    *,
    fingerprint: str = "",
    adopt: bool = False,
    account: str = "",
) -> None:
    """:raises ReceiptRefused: nothing changed"""
    imported = import_receipt(
        server=server,
        content=content,
        by=request.user,
        at=timezone.now(),
        ip=actor_ip(request),
        fingerprint=fingerprint,
        adopt=adopt,
        account=account,
    )
    receipt = imported.receipt
    about = {"account": receipt.account, "revision": receipt.revision}
    if imported.is_new and imported.job is None:
        text = _("This server goes on from revision %(revision)s of %(account)s. Export the license usage again.")
        messages.success(request, text % about)
    elif imported.is_new:
        messages.success(request, _("%(account)s accepted the usage file as revision %(revision)s.") % about)
    else:
        messages.info(request, _("This receipt was imported before: revision %(revision)s of %(account)s.") % about)


def _waiting(request: SignedInRequest, server: Server, pk: int) -> StagedUpload:
    upload = uploads.staged_upload(
        enterprise=server.enterprise, purpose=PURPOSE, by=request.user, pk=pk, at=timezone.now()
    )
    if upload is None or not upload.review:
        raise Http404
    return upload


def _can_be_confirmed(refused: ReceiptRefused) -> TypeGuard[_Question]:
    if isinstance(refused, ReceiptOfAnotherAccount):
        return refused.can_change
    return isinstance(refused, ReceiptKeyUnknown | ReceiptOfNoFile)


def _ask(upload: StagedUpload, question: _Question) -> None:
    """Keep with the file what has to be confirmed about it, beside what was asked before."""
    before: dict[str, Any] = upload.review or {"fingerprint": "", "name": "", "is_change": False, "adopt": False}
    receipt = question.receipt
    asked: dict[str, Any] = {"adopt": True}
    if isinstance(question, ReceiptKeyUnknown):
        asked = {"fingerprint": question.fingerprint, "name": question.name, "is_change": question.is_change}
    elif isinstance(question, ReceiptOfAnotherAccount):
        asked = {"account": receipt.account, "former": question.known}
    told = {"receipt": msgspec.to_builtins(receipt)}
    uploads.keep_review(upload, before | asked | told)
