"""Add server usage: take a usage file, register a server that is not known, and decide after the preview."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cloud import usage_files
from cloud.forms import ApplyUsageForm, RegisterServerForm, UsageFileForm
from cloud.models import Intake
from cloud.pages.upload import UploadPage, upload_page
from cloud.pages.usage import NewServer, new_server, uploads_page
from cloud.people import viewer_of
from cloud.usage_files import UnknownServer, UploadRefused
from enterprises import throttling, uploads
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.models import Enterprise, StagedUpload
from enterprises.requests import SignedInRequest


@login_required
@require_http_methods(["GET", "POST"])
def usage(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the uploads; take a file, and lead to its preview or to the registration of its server."""
    is_post = request.method == "POST"
    need = Need.OWN if is_post else Need.VIEW
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=need)
    if is_post and (wait := throttling.seconds_to_wait_for_upload(request)):
        return throttling.too_many(request, wait)
    form = UsageFileForm(request.POST, request.FILES) if is_post else UsageFileForm()
    earlier = None
    if form.is_valid():
        try:
            intake = _take(request, enterprise, form)
        except UnknownServer as unknown:
            if unknown.staged is not None:
                return redirect("cloud:register_usage", slug=slug, pk=unknown.staged.pk)
        except UploadRefused as refused:
            form.add_error("file", str(refused.sentence))
            earlier = refused.intake
        else:
            return redirect("cloud:upload", slug=slug, pk=intake.pk)
    page = uploads_page(enterprise.ledger, request.GET, timezone.now())
    context = {"enterprise": enterprise, "form": form, "page": page, "earlier": earlier, "max_bytes": uploads.MAX_BYTES}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "cloud/usage.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def register(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show whose file waits; register the server once an owner has compared its key."""
    enterprise, staged = _waiting(request, slug, pk)
    server = new_server(staged)
    form = RegisterServerForm(request.POST) if request.method == "POST" else RegisterServerForm.showing(server)
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
        return _registration(request, enterprise, server, form, status)
    try:
        intake = usage_files.register(
            ledger=enterprise.ledger,
            staged=staged,
            fingerprint=form.cleaned_data["fingerprint"],
            by=request.user,
            at=timezone.now(),
            ip=actor_ip(request),
            allow_rename=True,
        )
    except UploadRefused as refused:
        form.add_error(None, str(refused.sentence))
        return _registration(request, enterprise, server, form, HTTPStatus.CONFLICT)
    messages.success(request, _("%(host)s is registered: its files are taken.") % {"host": server.header.host_name})
    return redirect("cloud:upload", slug=slug, pk=intake.pk)


@login_required
@require_POST
def forget(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Throw away a file whose server was not registered."""
    _enterprise, staged = _waiting(request, slug, pk)
    uploads.discard_upload(staged)
    messages.info(request, _("The file was thrown away. No server was registered."))
    return redirect("cloud:usage", slug=slug)


@login_required
@require_GET
def upload(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """One upload; for htmx the part that moves, without content while it shows already what is so."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    page = _page(request, enterprise, _intake(enterprise, pk))
    context = {"enterprise": enterprise, "page": page, "form": ApplyUsageForm()}
    if "HX-Request" not in request.headers:
        return render(request, "cloud/upload.html", context)
    if request.GET.get("seen") == page.fingerprint:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "cloud/_upload.html", {**context, "is_update": True})


@login_required
@require_POST
def apply(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Have a file applied whose preview is ready; what has to be confirmed first is asked on its page."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    intake, form = _intake(enterprise, pk), ApplyUsageForm(request.POST)
    form.is_valid()
    if not form.is_about(enterprise.ledger):
        return _asked_again(request, enterprise, form, _page(request, enterprise, intake))
    try:
        is_mine = usage_files.apply_upload(
            intake=intake,
            by=request.user,
            at=timezone.now(),
            ip=actor_ip(request),
            allow_shrink=form.cleaned_data["allow_shrink"],
            allow_rename=form.cleaned_data["allow_rename"],
        )
    except UploadRefused as refused:
        page = _page(request, enterprise, _intake(enterprise, pk), refused=refused)
        return _asked_again(request, enterprise, form, page)
    if not is_mine:
        messages.info(request, _("This file is decided already. Nothing was done."))
    return redirect("cloud:upload", slug=slug, pk=pk)


@login_required
@require_POST
def discard(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Throw away a file that was not applied."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    is_mine = usage_files.discard_upload(
        intake=_intake(enterprise, pk), by=request.user, at=timezone.now(), ip=actor_ip(request)
    )
    words = _("The file was thrown away. Nothing was applied.") if is_mine else _("This file is decided already.")
    messages.info(request, words)
    return redirect("cloud:upload", slug=slug, pk=pk)


@login_required
@require_GET
def receipt(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Give the receipt of a file that was applied, to be carried back to its server."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    intake = _intake(enterprise, pk)
    try:
        body = usage_files.receipt_of(intake)
    except UploadRefused as error:
        raise Http404 from error
    name = usage_files.receipt_name(intake)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(body, content_type="application/json", headers=headers)


def _take(request: SignedInRequest, enterprise: Enterprise, form: UsageFileForm) -> Intake:
    """Only a preview is made: whether a new name is meant, is asked before it is applied.

    :raises UploadRefused: it is not taken
    """
    file = form.cleaned_data["file"]
    return usage_files.upload(
        ledger=enterprise.ledger,
        stream=file,
        name=file.name,
        by=request.user,
        at=timezone.now(),
        ip=actor_ip(request),
        allow_rename=True,
    )


def _waiting(request: SignedInRequest, slug: str, pk: int) -> tuple[Enterprise, StagedUpload]:
    """The account and the person's own file that waits there."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    purpose, now = usage_files.PURPOSE, timezone.now()
    staged = uploads.staged_upload(enterprise=enterprise, purpose=purpose, by=request.user, pk=pk, at=now)
    if staged is None:
        raise Http404
    return enterprise, staged


def _intake(enterprise: Enterprise, pk: int) -> Intake:
    return get_object_or_404(usage_files.uploads_of(enterprise.ledger), pk=pk)


def _page(
    request: SignedInRequest, enterprise: Enterprise, intake: Intake, *, refused: UploadRefused | None = None
) -> UploadPage:
    viewer = viewer_of(request.user)
    return upload_page(enterprise.ledger, intake, timezone.now(), viewer=viewer, refused=refused)


def _asked_again(
    request: SignedInRequest, enterprise: Enterprise, form: ApplyUsageForm, page: UploadPage
) -> HttpResponse:
    context = {"enterprise": enterprise, "page": page, "form": form}
    return render(request, "cloud/upload.html", context, status=HTTPStatus.CONFLICT)


def _registration(
    request: SignedInRequest, enterprise: Enterprise, server: NewServer, form: RegisterServerForm, status: int
) -> HttpResponse:
    context = {"enterprise": enterprise, "server": server, "form": form}
    return render(request, "cloud/register_usage.html", context, status=status)
