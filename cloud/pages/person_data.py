"""The page of what is held about a person: tables and fields by their names, values as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils import formats, timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cloud.changes import reason_words
from cloud.models import ConsumedLicense, MemberAddress, Reason, ServerAccount, Suspect
from cloud.people.holding import Held
from cloud.people.holding_words import FIELDS, TABLES
from enterprises.models import RoleName

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORDS: Final[dict[str, dict[Any, Any]]] = {
    "license_type": dict(ConsumedLicense.LicenseType.choices),
    "rule": dict(ServerAccount.Rule.choices),
    "kind": dict(Suspect.Kind.choices),
    "state": dict(Suspect.State.choices),
    "role": dict(RoleName.choices),
    "held_as": {
        "identity": MemberAddress.Rank.IDENTITY.label,
        "verified": MemberAddress.Rank.VERIFIED.label,
        "unverified": MemberAddress.Rank.OTHER.label,
    },
}
_REASONS: Final = {"reason", "since_reason"}


@dataclass(frozen=True, kw_only=True)
class HeldTable:
    """A table as the page shows it: its words, and of each row the facts that are not empty."""

    held: Held
    words: Any
    rows: list[list[dict[str, str]]]


def held_tables(held: list[Held]) -> list[HeldTable]:
    """What is held, in words."""
    return [
        HeldTable(held=table, words=TABLES[table.table], rows=[list(_facts(row)) for row in table.rows])
        for table in held
    ]


def _facts(row: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name, value in row.items():
        if value is not None and value not in ("", []):
            yield {"label": str(FIELDS[name]), "value": _said(name, value, row)}


def _said(name: str, value: Any, row: dict[str, Any]) -> str:
    match value:
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return f"{formats.date_format(timezone.localtime(value), 'DATETIME_FORMAT')} {timezone.localtime(value):%Z}"
        case int():
            return str(value) if name == "number" else number_format(value, force_grouping=True)
        case list() | tuple():
            return ", ".join(map(str, value))
    if name in _REASONS:
        return reason_words(Reason(value), row.get("hostname", ""))
    return str(_WORDS.get(name, {}).get(value, value))
