"""Who holds a license, and how the servers last synced, exactly as GitHub's API answers it."""

from typing import Final

import msgspec
from django.http import HttpResponse
from ninja import Router

from cloud import reports
from cloud.api import auth
from cloud.api.auth import TokenRequest
from cloud.api.bodies import answer
from cloud.api.conditional import books_tag, short_answer, unless_known
from cloud.api.described import described
from cloud.api.paging import link_pages, window
from cloud.reports.pages import LastSync

TAG: Final = "As on GitHub"

router = Router(auth=auth.person)


class LicenseSyncStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of GitHub's "Get a license sync status"."""

    server_instances: list[reports.ServerInstance]


_USER: Final = reports.ReportUser(
    github_com_login="mona",
    github_com_name="Mona Lisa",
    enterprise_server_user_ids=["ghes1.octo.example:7"],
    github_com_user=True,
    enterprise_server_user=True,
    visual_studio_subscription_user=False,
    license_type="enterprise",
    github_com_profile="https://github.com/mona",
    github_com_member_roles=["octo:Member", "octo/secret:Collaborator"],
    github_com_enterprise_roles=["owner"],
    github_com_verified_domain_emails=["mona@octo.example"],
    github_com_saml_name_id="mona@octo.example",
    github_com_orgs_with_pending_invites=[],
    github_com_two_factor_auth=True,
    enterprise_server_emails=["mona@octo.example"],
    enterprise_server_primary_emails=["mona@octo.example"],
    visual_studio_license_status="",
    visual_studio_subscription_email="",
    total_user_accounts=2,
)
_CONSUMED: Final = reports.ConsumedLicenses(total_seats_consumed=812, total_seats_purchased=1000, users=[_USER])
_STATUS: Final = LicenseSyncStatus(
    server_instances=[
        reports.ServerInstance(
            server_id="0b7a1d3e-6c52-4f0b-9a54-3f1f6f0c2c11",
            hostname="ghes1.octo.example",
            last_sync=LastSync(date="2026-03-02T09:30:00Z", status="success", error=""),
        )
    ]
)


@router.get(
    "/enterprises/{enterprise}/consumed-licenses",
    url_name="consumed_licenses",
    **described("list-consumed-licenses", "List consumed licenses", _CONSUMED, tag=TAG, is_paged=True),
)
def consumed_licenses(request: TokenRequest, enterprise: str) -> HttpResponse:
    """The people who hold a license, one entry per person. Totals and order are the same on every page."""
    ledger = auth.ledger(request, enterprise)
    asked = window(request)

    def page() -> HttpResponse:
        found = reports.consumed_licenses(ledger, asked.page, asked.per_page)
        return link_pages(answer(found.report), request, asked, found.listed)

    return unless_known(request, books_tag(request, ledger), page)


@router.get(
    "/enterprises/{enterprise}/license-sync-status",
    url_name="license_sync_status",
    **described("get-license-sync-status", "Get a license sync status", _STATUS, tag=TAG),
)
def license_sync_status(request: TokenRequest, enterprise: str) -> HttpResponse:
    """How the last sync of every server went."""
    ledger = auth.ledger(request, enterprise)
    return short_answer(request, LicenseSyncStatus(server_instances=reports.server_instances(ledger)))
