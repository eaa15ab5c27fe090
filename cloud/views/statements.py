"""Signed statements: the list, a new one as of now, their files, and the program that checks them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cloud import statements
from cloud.models import Statement
from cloud.pages.statements import statements_page
from cloud.statements.pdf import pdf_file
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.audit import actor_ip
from enterprises.requests import SignedInRequest


@login_required
@require_GET
def show(request: SignedInRequest, slug: str) -> HttpResponse:
    """List the statements of the account, and say how to check one."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    page = statements_page(enterprise.ledger, request.GET.get("page"))
    return render(request, "cloud/statements.html", {"enterprise": enterprise, **page})


@login_required
@require_POST
def make(request: SignedInRequest, slug: str) -> HttpResponse:
    """Make a statement as of now."""
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD, need=Need.OWN)
    try:
        statements.make_now(ledger=enterprise.ledger, by=request.user, at=timezone.now(), ip=actor_ip(request))
    except statements.TooManyStatements:
        messages.error(request, _("Many statements were made within the hour: take one of them, or wait."))
    else:
        messages.success(request, _("The statement was made and signed."))
    return redirect("cloud:statements", slug=slug)


@login_required
@require_GET
def json_download(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Give the signed file."""
    made = get_object_or_404(_statements(request, slug), pk=pk)
    return _file(statements.json_file(made), "application/json", statements.file_name(made, "json"))


@login_required
@require_GET
def pdf_download(request: SignedInRequest, slug: str, pk: int) -> HttpResponse:
    """Give the paper, in the language of the reader."""
    made = get_object_or_404(_statements(request, slug), pk=pk)
    return _file(pdf_file(made), "application/pdf", statements.file_name(made, "pdf"))


@login_required
@require_GET
def verifier(request: SignedInRequest, slug: str) -> HttpResponse:
    """Give the program that checks a statement, as it stands in docs/."""
    enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    return _file(statements.VERIFIER.read_bytes(), "text/x-python; charset=utf-8", statements.VERIFIER.name)


def _statements(request: SignedInRequest, slug: str) -> QuerySet[Statement]:
    enterprise = enterprise_for(request.user, slug, deployment=Deployment.CLOUD)
    return statements.statements(enterprise.ledger).select_related("ledger__enterprise")


def _file(body: bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
