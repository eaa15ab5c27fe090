"""What a sync, an import or a removal changed: numbers for good, and the people for as long as they are there."""

from http import HTTPStatus
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cloud import changes, people
from cloud.pages.changes import changes_page, reasons_of
from cloud.pages.usage import upload_behind
from enterprises.access import Deployment, enterprise_for
from enterprises.requests import SignedInRequest

PEOPLE_PER_PAGE = 50


@login_required
@require_GET
def between(request: SignedInRequest, slug: str) -> HttpResponse:
    """Why the number changed between two dates or revisions, which stand in the address."""
    ledger = enterprise_for(request.user, slug, deployment=Deployment.CLOUD).ledger
    page = changes_page(ledger, request.GET, timezone.now())
    status = HTTPStatus.UNPROCESSABLE_ENTITY if page.problem else HTTPStatus.OK
    return render(request, "cloud/changes.html", {"page": page}, status=status)


@login_required
@require_GET
def change(request: SignedInRequest, slug: str, number: int) -> HttpResponse:
    """What a revision of the books changed, with links to the people."""
    ledger = enterprise_for(request.user, slug, deployment=Deployment.CLOUD).ledger
    revision = get_object_or_404(ledger.revisions.select_related("installation"), number=number)
    kind = request.GET.get("kind", "")
    kind = kind if kind in changes.KINDS else changes.KINDS[0]
    counts = changes.change_counts(revision)
    page = Paginator(changes.people_of_change(revision, kind), PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    labels = {"came": _("Came"), "matched": _("Matched"), "unmatched": _("Stayed")}
    context = {
        "revision": revision,
        "tabs": [
            {
                "label": label,
                "url": f"{request.path}?kind={name}",
                "is_current": name == kind,
                "count": counts.said(name),
            }
            for name, label in labels.items()
        ],
        "kind": kind,
        "page": page,
        "people": people.with_accounts(ledger, page.object_list),
        "gone": counts.gone(kind),
        "reasons": reasons_of(ledger, revision),
        "upload": upload_behind(ledger, revision),
    }
    return render(request, "cloud/change.html", context)


@login_required
@require_GET
def change_of_sync(request: SignedInRequest, slug: str, snapshot_id: UUID) -> HttpResponse:
    """Lead from the id that the server knows to the revision that its sync made."""
    ledger = enterprise_for(request.user, slug, deployment=Deployment.CLOUD).ledger
    revision = get_object_or_404(ledger.revisions, snapshot_id=snapshot_id)
    return redirect("cloud:change", slug=slug, number=revision.number)
