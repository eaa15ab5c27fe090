"""Import the cloud account's members: choose a file, see what changes, apply."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cloud import services
from cloud.forms import ApplyMembersForm, MembersFileForm
from cloud.members import MembersInvalid, ShrinkNotAllowed
from enterprises import throttling, uploads
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.models import Enterprise, StagedUpload
from enterprises.requests import SignedInRequest

PURPOSE = "members"


@login_required
@require_http_methods(["GET", "POST"])
def choose(request: SignedInRequest, slug: str) -> HttpResponse:
    """Take a file and lead to its preview."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    if request.method == "POST" and (wait := throttling.seconds_to_wait_for_upload(request)):
        return throttling.too_many(request, wait)
    form = MembersFileForm(request.POST, request.FILES) if request.method == "POST" else MembersFileForm()
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            upload = uploads.stage_upload(
                enterprise=enterprise,
                purpose=PURPOSE,
                stream=file,
                name=file.name,
                by=request.user,
                at=timezone.now(),
            )
        except uploads.UploadTooLarge:
            form.add_error("file", _("The file is too large. An import takes at most 512 MiB."))
        else:
            partial = "?partial=on" if form.cleaned_data["partial"] else ""
            response = redirect("cloud:review_members", slug=slug, pk=upload.pk)
            response["Location"] += partial
            return response
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {"enterprise": enterprise, "ledger": enterprise.ledger, "form": form}
    return render(request, "cloud/members.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def review(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show what the waiting file would change, and apply it."""
    enterprise, upload = _waiting(request, slug, pk)
    if wait := throttling.seconds_to_wait_for_upload(request):
        return throttling.too_many(request, wait)
    now = timezone.now()
    form = ApplyMembersForm(request.POST if request.method == "POST" else request.GET)
    form.is_valid()
    partial = form.cleaned_data["partial"]
    context = {"enterprise": enterprise, "upload": upload, "form": form, "partial": partial}
    status = HTTPStatus.OK
    try:
        if request.method == "POST":
            try:
                _apply(request, enterprise, upload, form)
            except ShrinkNotAllowed as error:
                context["shrink"] = error
                status = HTTPStatus.CONFLICT
            else:
                return redirect("cloud:licensing", slug=slug)
        context["change"] = services.preview_members(
            ledger=enterprise.ledger,
            stream=uploads.open_upload(upload),
            at=now,
            partial=partial,
        )
    except MembersInvalid as error:
        context["problem"] = error
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "cloud/review_members.html", context, status=status)


def _waiting(request: SignedInRequest, slug: str, pk: int) -> tuple[Enterprise, StagedUpload]:
    """The account and the person's own file that waits there."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    upload = uploads.staged_upload(enterprise=enterprise, purpose=PURPOSE, by=request.user, pk=pk, at=timezone.now())
    if upload is None:
        raise Http404
    return enterprise, upload


def _apply(request: SignedInRequest, enterprise: Enterprise, upload: StagedUpload, form: ApplyMembersForm) -> None:
    """Import the file.

    :raises MembersInvalid: a line is no good
    :raises ShrinkNotAllowed: it would remove many, and nobody said that this is meant
    """
    change = services.import_members(
        ledger=enterprise.ledger,
        stream=uploads.open_upload(upload),
        by=request.user,
        at=timezone.now(),
        partial=form.cleaned_data["partial"],
        allow_shrink=form.cleaned_data["allow_shrink"],
        ip=actor_ip(request),
    )
    uploads.discard_upload(upload)
    text = _("The members were imported: %(added)s added, %(changed)s changed, %(removed)s removed.")
    messages.success(request, text % {"added": change.added, "changed": change.changed, "removed": change.removed})


@login_required
@require_POST
def discard(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Throw the waiting file away."""
    _enterprise, upload = _waiting(request, slug, pk)
    uploads.discard_upload(upload)
    messages.info(request, _("The file was thrown away. Nothing was imported."))
    return redirect("cloud:members", slug=slug)
