"""The Seats page: where the accounts came from, and an import that is looked at before it is applied."""

from http import HTTPStatus
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from connect.models import Server
from enterprises import throttling, uploads
from enterprises.access import Need
from enterprises.audit import actor_ip
from enterprises.models import StagedUpload
from enterprises.requests import SignedInRequest
from licensesync import services
from licensesync.forms import ApplySeatsForm, SeatsFileForm
from licensesync.pages.seats import ReviewPage, SeatsPage, recalled_review, review_of
from licensesync.seats.changes import ShrinkNotAllowed
from licensesync.seats.rows import SeatsInvalid
from licensesync.views.guard import server_for

PURPOSE = "seats"


@login_required
@require_http_methods(["GET", "POST"])
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """Show the source and its counts; take a file and lead to its review."""
    is_post = request.method == "POST"
    server = server_for(request, slug, Need.OWN if is_post else Need.VIEW)
    if is_post and (wait := throttling.seconds_to_wait_for_upload(request)):
        return throttling.too_many(request, wait)
    form = SeatsFileForm(request.POST, request.FILES) if is_post else SeatsFileForm()
    if is_post and form.is_valid() and (upload := _staged(request, server, form)):
        chosen = {name: form.data[name] for name in ("partial", "taken_at") if form.cleaned_data[name]}
        query = f"?{urlencode(chosen)}" if chosen else ""
        return redirect(reverse("licensesync:seats_preview", args=[slug, upload.pk]) + query)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(
        request, "licensesync/seats.html", {"page": SeatsPage(server, timezone.now()), "form": form}, status=status
    )


def _staged(request: SignedInRequest, server: Server, form: SeatsFileForm) -> StagedUpload | None:
    """The waiting file, if it is good; otherwise the reason stands beside the form's field."""
    file = form.cleaned_data["file"]
    try:
        change = services.preview_seats(server=server, stream=file, partial=form.cleaned_data["partial"])
        file.seek(0)
        upload = uploads.stage_upload(
            enterprise=server.enterprise,
            purpose=PURPOSE,
            stream=file,
            name=file.name,
            by=request.user,
            at=timezone.now(),
        )
        uploads.keep_review(upload, review_of(server, change))
        return upload
    except SeatsInvalid as problem:
        form.add_error("file", str(problem))
        form.add_error("file", _("Nothing was imported: a file is taken whole or not at all."))
    except uploads.UploadTooLarge:
        form.add_error("file", _("The file is too large. An import takes at most 512 MiB."))
    return None


def _waiting(request: SignedInRequest, server: Server, pk: int) -> StagedUpload:
    upload = uploads.staged_upload(
        enterprise=server.enterprise, purpose=PURPOSE, by=request.user, pk=pk, at=timezone.now()
    )
    if upload is None:
        raise Http404
    return upload


@login_required
@require_http_methods(["GET", "POST"])
def preview(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Show what the waiting file would change, and apply it."""
    server = server_for(request, slug, Need.OWN)
    if wait := throttling.seconds_to_wait_for_upload(request):
        return throttling.too_many(request, wait)
    upload = _waiting(request, server, pk)
    form = ApplySeatsForm(request.POST if request.method == "POST" else request.GET)
    if form.is_valid() and request.method == "POST" and _applied(request, server, upload, form):
        return redirect("licensesync:seats", slug=slug)
    partial = form.cleaned_data.get("partial", False)
    change = recalled_review(server, upload, is_partial=partial)
    try:
        change = change or services.preview_seats(server=server, stream=uploads.open_upload(upload), partial=partial)
    except SeatsInvalid as problem:
        # Somebody else emptied the list meanwhile, and the file lists nobody either.
        messages.error(request, str(problem))
        return redirect("licensesync:seats", slug=slug)
    page = ReviewPage(server=server, upload=upload, change=change)
    status = HTTPStatus.CONFLICT if form.errors else HTTPStatus.OK
    return render(request, "licensesync/seats_preview.html", {"page": page, "form": form}, status=status)


def _applied(request: SignedInRequest, server: Server, upload: StagedUpload, form: ApplySeatsForm) -> bool:
    """Import the file; False when it may not be; the reason then stands in the form."""
    try:
        change = services.import_seats(
            server=server,
            stream=uploads.open_upload(upload),
            by=request.user,
            at=timezone.now(),
            taken_at=form.cleaned_data["taken_at"],
            partial=form.cleaned_data["partial"],
            allow_shrink=form.cleaned_data["allow_shrink"],
            ip=actor_ip(request),
        )
    except ShrinkNotAllowed as problem:
        form.add_error("allow_shrink", str(problem))
        return False
    except SeatsInvalid as problem:
        form.add_error(None, str(problem))
        return False
    uploads.discard_upload(upload)
    text = _("The seats were imported: %(added)s added, %(changed)s changed, %(removed)s removed.")
    messages.success(request, text % {"added": change.added, "changed": change.changed, "removed": change.removed})
    return True


@login_required
@require_POST
def discard(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Throw the waiting file away."""
    server = server_for(request, slug, Need.OWN)
    uploads.discard_upload(_waiting(request, server, pk))
    messages.info(request, _("The file was thrown away. Nothing was imported."))
    return redirect("licensesync:seats", slug=slug)
