"""The history of syncs, the page of one job, its receipt, and the lines that travel as a file."""

from http import HTTPStatus

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from connect.models import Server
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest
from licensesync import receipts, services, snapshot
from licensesync.models import SyncJob
from licensesync.pages.history import history_page
from licensesync.pages.job import job_page
from licensesync.pages.receipt import receipt_page
from licensesync.pages.sync_box import job_of
from licensesync.views.guard import is_owner, server_for


@login_required
@require_GET
def syncs(request: SignedInRequest, slug: str) -> HttpResponse:
    """List every job, newest first."""
    server = server_for(request, slug)
    return render(request, "licensesync/syncs.html", {"page": history_page(server, request.GET)})


@login_required
@never_cache
@require_GET
def sync(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Everything about one job; for htmx the part that moves, without content while it shows already what is so."""
    server = server_for(request, slug)
    page = job_page(server, _job(server, pk), timezone.now(), is_owner=is_owner(request))
    if "HX-Request" not in request.headers:
        return render(request, "licensesync/sync.html", {"page": page})
    if request.GET.get("seen") == page.fingerprint:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return render(request, "licensesync/_job.html", {"page": page, "is_update": True})


@login_required
@never_cache
@require_GET
def receipt(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """The receipt of a sync, verified again at each look."""
    server = server_for(request, slug)
    page = receipt_page(server, _with_receipt(server, pk), timezone.now())
    return render(request, "licensesync/receipt.html", {"page": page})


@login_required
@require_GET
def receipt_file(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """The receipt as it came (a compact JWS), or with ``format=json`` readable, with the key that signed it."""
    job = _with_receipt(server_for(request, slug), pk)
    if request.GET.get("format") == "json":
        body, kind, suffix = receipts.readable(job), "application/json", "json"
    else:
        body, kind, suffix = job.receipt.encode(), "application/jose", "jws"
    return HttpResponse(body, content_type=kind, headers=_as_file(f"receipt-{job.pk}.{suffix}"))


@login_required
@require_GET
def lines(request: SignedInRequest, slug: str) -> StreamingHttpResponse:
    """Stream the lines that will be sent, or with ``which=last`` those that were: the bytes that the digest is of."""
    server = server_for(request, slug)
    job = snapshot.last_sent(server) if request.GET.get("which") == "last" else None
    if request.GET.get("which") == "last" and (job is None or (job.part_count and not job.parts.exists())):
        raise Http404
    now = timezone.now()
    services.record_download(server=server, job=job, by=request.user, at=now, ip=actor_ip(request))
    content = snapshot.sent_bytes(job) if job else snapshot.outgoing_lines(server)
    headers = _as_file(f"{'sent' if job else 'will-be-sent'}-{slug}-{now:%Y-%m-%dT%H%M%SZ}.ndjson")
    if job is not None and job.size:
        headers["Content-Length"] = str(job.size)
    return StreamingHttpResponse(content, content_type="application/x-ndjson; charset=utf-8", headers=headers)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _job(server: Server, pk: int) -> SyncJob:
    """:raises Http404: there is none, or it is another server's."""
    job = job_of(server, pk)
    if job is None:
        raise Http404
    return job


def _with_receipt(server: Server, pk: int) -> SyncJob:
    """:raises Http404: there is no such job, or it came to no receipt."""
    job = _job(server, pk)
    if not job.receipt:
        raise Http404
    return job
