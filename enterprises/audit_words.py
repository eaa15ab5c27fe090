"""What an event of the audit log says to people: one sentence for its action, and what it changed, name by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.utils.functional import _StrPromise

    from enterprises.models import AuditEvent, Deployment

    Text = str | _StrPromise

_BOTH: Final[dict[str, Text]] = {
    "business.create": gettext_lazy("The enterprise was created."),
    "business.add_admin": gettext_lazy("An owner was added."),
    "business.add_billing_manager": gettext_lazy("A billing manager was added."),
    "business.audit_log_export": gettext_lazy("The audit log was exported."),
}
_SERVER: Final[dict[str, Text]] = {
    "dotcom_connection.create": gettext_lazy("GitHub Connect was enabled."),
    "dotcom_connection.destroy": gettext_lazy("GitHub Connect was disabled."),
    "dotcom_connection.token_updated": gettext_lazy("The connection got a new token."),
    "dotcom_connection.app_key_updated": gettext_lazy("The connection went over to a new key."),
    "dotcom_connection.receipt_key_pinned": gettext_lazy("A new key of the cloud's receipts was accepted."),
    "dotcom_connection.receipt_key_refused": gettext_lazy(
        "A key for receipts was refused, because no key that is known vouches for it."
    ),
    "dotcom_connection.upload_license_usage": gettext_lazy("License usage was sent to the cloud."),
    "dotcom_connection.upload_usage_metrics": gettext_lazy("The connection record was sent to the cloud."),
    "config_entry.update": gettext_lazy("A setting was changed."),
    "license.update": gettext_lazy("The license was changed."),
    "license.export": gettext_lazy("The license usage was exported."),
    "license.receipt_import": gettext_lazy("The cloud's receipt for a usage file was imported."),
    "license.export_requested": gettext_lazy("An export of the license usage was requested."),
    "license.export_cancelled": gettext_lazy("An export of the license usage was cancelled."),
    "license_sync.requested": gettext_lazy("A license sync was requested."),
    "license_sync.succeeded": gettext_lazy("A license sync succeeded."),
    "license_sync.failed": gettext_lazy("A license sync failed."),
    "license_sync.cancelled": gettext_lazy("A license sync was cancelled."),
    "license_sync.declared_original": gettext_lazy("This server was declared the original."),
    "license_sync.declared_shrink": gettext_lazy("A much smaller list was declared right."),
    "license_sync.declared_copy": gettext_lazy("This server was declared a copy."),
    "report.download": gettext_lazy("A report or list was downloaded."),
    "seats.import": gettext_lazy("Seats were imported."),
    "server.rename": gettext_lazy("The server got another host name."),
    "dormancy_exclusion.create": gettext_lazy("A user was put on the exclusion list."),
    "dormancy_exclusion.destroy": gettext_lazy("A user was taken off the exclusion list."),
}
_CLOUD: Final[dict[str, Text]] = {
    "enterprise_installation.create": gettext_lazy("A server was connected."),
    "enterprise_installation.destroy": gettext_lazy("A server was disconnected or removed."),
    "enterprise_installation.register": gettext_lazy("A server that reports by file was registered."),
    "enterprise_installation.rename": gettext_lazy("A server got another host name."),
    "enterprise_installation.app_key_added": gettext_lazy("A server announced a new key."),
    "enterprise_installation.app_key_updated": gettext_lazy("A server went over to a new key."),
    "enterprise_installation.receipt_key_accepted": gettext_lazy("A server accepted the new key of receipts."),
    "license.upload": gettext_lazy("A usage file was uploaded."),
    "license.upload_apply": gettext_lazy("A usage file was applied."),
    "license.upload_discard": gettext_lazy("A usage file was discarded."),
    "config_entry.update": gettext_lazy("A setting was changed."),
    "enterprise_domain.create": gettext_lazy("A domain was added."),
    "enterprise_domain.renew": gettext_lazy("A domain got a new code."),
    "enterprise_domain.verify": gettext_lazy("A domain was verified."),
    "enterprise_domain.approve": gettext_lazy("A domain was approved."),
    "enterprise_domain.lapse": gettext_lazy("A domain is not verified any more, because its record is missing."),
    "enterprise_domain.destroy": gettext_lazy("A domain was deleted."),
    "license.update": gettext_lazy("The purchased licenses were changed."),
    "members.import": gettext_lazy("Members were imported."),
    "person_data.download": gettext_lazy("What is held about a person was downloaded."),
    "duplicate.search": gettext_lazy("A search for people who are probably one was requested."),
    "report.download": gettext_lazy("A report or list was downloaded."),
    "statement.create": gettext_lazy("A statement of the licenses was made."),
    "duplicate.assign": gettext_lazy("Pairs who are probably one person were assigned."),
    "duplicate.dismiss": gettext_lazy("Pairs who are probably one person were dismissed."),
    "duplicate.restore": gettext_lazy("The dismissal of pairs who are probably one person was taken back."),
    "duplicate.wait": gettext_lazy("A correction was announced for pairs who are probably one person."),
    "duplicate.reopen": gettext_lazy("A correction that was announced for pairs was withdrawn."),
}
_PEOPLE: Final[dict[str, Text]] = {
    "user.create": gettext_lazy("A person who may sign in was created."),
    "user.destroy": gettext_lazy("A person who may sign in was deleted."),
    "user.change_email": gettext_lazy("A person changed their e-mail address."),
    "api_token.create": gettext_lazy("An API token was created."),
    "api_token.revoke": gettext_lazy("An API token was revoked."),
    "sign_in_link.create": gettext_lazy("A sign-in link was created."),
    "sign_in_link.use": gettext_lazy("A sign-in link was used."),
    "receipt_key.create": gettext_lazy("A new key for receipts was made."),
}
"""Of these no enterprise's page has a row."""


@dataclass(frozen=True)
class Change:
    """One name of ``before`` and ``after``; an empty text where it is not in one of them."""

    name: str
    before: str
    after: str


def actions(side: Deployment) -> dict[str, Text]:
    """Those that the log of an enterprise may hold, each with its sentence."""
    return dict(sorted((_BOTH | (_SERVER if side == "server" else _CLOUD)).items()))


def sentence(event: AuditEvent, side: Deployment) -> Text:
    """An action of another version has none."""
    return (_PEOPLE | actions(side)).get(event.action, "")


def changes(event: AuditEvent) -> list[Change]:
    """In the order of the names; nested ones with the path that leads to them."""
    before, after = dict(_flat(event.before or {})), dict(_flat(event.after or {}))
    names = [*before, *(name for name in after if name not in before)]
    return [Change(name, before.get(name, ""), after.get(name, "")) for name in names]


def _flat(value: dict[str, Any], where: str = "") -> Iterator[tuple[str, str]]:
    for key, part in value.items():
        name = f"{where}{key}"
        if isinstance(part, dict):
            yield from _flat(part, f"{name}.")
        else:
            yield name, _said(part)


def _said(value: object) -> str:
    match value:
        case None | "" | []:
            return _("none")
        case bool():
            return _("yes") if value else _("no")
        case int() | float():
            return number_format(value, force_grouping=True)
        case list():
            return ", ".join(map(_said, value))
    return str(value)
