"""The page on which an owner of a cloud account lets a server connect to it."""

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cloud import handshake
from cloud.forms import ConsentForm
from enterprises.access import Deployment, Need, enterprise_for
from enterprises.requests import SignedInRequest, allow_form_to
from wire.messages import Manifest


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def consent(request: SignedInRequest) -> HttpResponse:
    """Show who asks and what for; on POST give the code and send the owner back."""
    data = request.POST if request.method == "POST" else request.GET
    manifest_jws, state = data.get("manifest", ""), data.get("state", "")
    now = timezone.now()
    try:
        manifest = handshake.read_request(manifest_jws, now)
    except handshake.RequestInvalid as error:
        return render(request, "cloud/consent_invalid.html", {"problem": error}, status=HTTPStatus.BAD_REQUEST)
    if request.method == "POST":
        return _give_code(request, manifest)
    accounts = handshake.accounts_for(request.user, manifest)
    is_kept_out = bool(accounts) and all(choice.existing_installation for choice in accounts)
    context = {
        "manifest": manifest,
        "manifest_jws": manifest_jws,
        "state": state,
        "accounts": accounts,
        "back_url": manifest.callback.removesuffix("/complete") + ("?problem=connection_exists" if is_kept_out else ""),
    }
    response = render(request, "cloud/consent.html", context)
    return _allowing_form_to(manifest, response)


def _give_code(request: SignedInRequest, manifest: Manifest) -> HttpResponse:
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return render(request, "cloud/consent_invalid.html", {"form": form}, status=HTTPStatus.BAD_REQUEST)
    account = enterprise_for(request.user, form.cleaned_data["account"], deployment=Deployment.CLOUD, need=Need.OWN)
    try:
        code = handshake.give_code(
            manifest_jws=form.cleaned_data["manifest"],
            account=account,
            by=request.user,
            at=timezone.now(),
        )
    except handshake.ConnectionExists as error:
        context = {"exists": error, "account": account, "manifest": manifest}
        return render(request, "cloud/consent_invalid.html", context, status=HTTPStatus.CONFLICT)
    query = urlencode({"code": code, "state": form.cleaned_data["state"]})
    response = HttpResponseRedirect(f"{manifest.callback}?{query}")
    response["Referrer-Policy"] = "no-referrer"
    return response


def _allowing_form_to(manifest: Manifest, response: HttpResponse) -> HttpResponse:
    callback = urlsplit(manifest.callback)
    return allow_form_to(response, f"{callback.scheme}://{callback.netloc}")
