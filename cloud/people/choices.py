"""What a filter of people can be, in words: the choices of each parameter, and what a person reads of a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cloud.models import MemberRole
from cloud.people.filters import NO_DOMAIN, Answer, Deployment, LicenseType, PeopleFilter, Sort, TwoFactor
from cloud.people.visible import visible_domains
from cloud.staging import fetch_rows

if TYPE_CHECKING:
    from django.utils.functional import Promise

    from cloud.models import Ledger

    Words = str | Promise
    Choices = list[tuple[str, Words]]

MOST: Final = 500
"""So many organizations or roles are offered; an address may name any."""

LABELS: Final[dict[str, Words]] = {
    "q": _("Search"),
    "deployment": _("Deployment"),
    "server": _("Server"),
    "organization": _("Organization"),
    "role": _("Role"),
    "two_factor": _("Two-factor authentication"),
    "domain": _("Domain"),
    "license_type": _("License type"),
    "ambiguous": _("Ambiguous"),
}
DEPLOYMENTS: Final[dict[str, Words]] = {
    Deployment.CLOUD: _("Cloud only"),
    Deployment.SERVER: _("Server only"),
    Deployment.BOTH: _("Cloud and server"),
}
_TWO_FACTOR: Final[dict[str, Words]] = {
    TwoFactor.ENABLED: _("Enabled"),
    TwoFactor.DISABLED: _("Disabled"),
    TwoFactor.UNKNOWN: _("Not known"),
}
_LICENSE_TYPES: Final[dict[str, Words]] = {
    LicenseType.ENTERPRISE: pgettext_lazy("license type", "Enterprise"),
    LicenseType.VISUAL_STUDIO: _("Visual Studio subscription"),
}
_ANSWERS: Final[dict[str, Words]] = {Answer.YES: _("Yes"), Answer.NO: _("No")}
_ROLES: Final[dict[str, Words]] = {
    "owner": _("Organization owner"),
    "member": _("Organization member"),
    MemberRole.OUTSIDE_COLLABORATOR: _("Outside collaborator"),
    MemberRole.PENDING_INVITATION: _("Pending invitation"),
    "enterprise_owner": _("Enterprise owner"),
    "enterprise_billing_manager": _("Billing manager"),
}
SORTS: Final[dict[str, Words]] = {
    Sort.NAME: _("Name, A to Z"),
    Sort.NAME_LAST: _("Name, Z to A"),
    Sort.MOST_ACCOUNTS: _("Most server accounts"),
    Sort.FEWEST_ACCOUNTS: _("Fewest server accounts"),
    Sort.NEWEST: _("Listed most recently"),
    Sort.OLDEST: _("Listed longest"),
}
_FIXED: Final[dict[str, dict[str, Words]]] = {
    "deployment": DEPLOYMENTS,
    "two_factor": _TWO_FACTOR,
    "license_type": _LICENSE_TYPES,
    "ambiguous": _ANSWERS,
    "role": _ROLES,
    "domain": {NO_DOMAIN: _("No verified or approved domain")},
}

# One step of the index for each value, however many members have it.
_DISTINCT: Final = """
WITH RECURSIVE known(value) AS (
    SELECT min({column}) FROM cloud_memberrole WHERE ledger_id = %s
    UNION ALL
    SELECT (SELECT min({column}) FROM cloud_memberrole WHERE ledger_id = %s AND {column} > known.value)
    FROM known WHERE known.value IS NOT NULL
)
SELECT value FROM known WHERE value <> '' LIMIT %s
"""


def words(name: str, value: str) -> Words:
    """What a person reads of a value of a parameter; organizations, servers and domains are called as they are."""
    known = _FIXED.get(name, {}).get(value)
    return known if known is not None else value.replace("_", " ") if name == "role" else value


def choices(ledger: Ledger, wanted: PeopleFilter) -> dict[str, Choices]:
    """What can be chosen, by parameter, in four queries; what was chosen is always among it."""
    open_ended = {
        "server": sorted(set(ledger.installations.values_list("hostname", flat=True))),
        "organization": _distinct(ledger, "organization"),
        "role": _distinct(ledger, "role"),
        "two_factor": list(_TWO_FACTOR),
        "domain": [*sorted(visible_domains(ledger).values_list("domain", flat=True)), NO_DOMAIN],
        "license_type": list(_LICENSE_TYPES),
        "ambiguous": list(_ANSWERS),
    }
    chosen = wanted.narrowing
    return {
        name: [(value, words(name, value)) for value in [*values, *_missing(chosen.get(name), values)]]
        for name, values in open_ended.items()
    }


def _missing(chosen: str | None, values: list[str]) -> list[str]:
    return [chosen] if chosen and chosen not in values else []


def _distinct(ledger: Ledger, column: str) -> list[str]:
    return [value for (value,) in fetch_rows(_DISTINCT.format(column=column), ledger.pk, ledger.pk, MOST)]
