"""The page of what is held about a person: tables and fields by their names, values as people read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cloud.changes import reason_words
from cloud.models import ConsumedLicense, MemberAddress, Reason, ServerAccount, Suspect
from cloud.people import choices
from cloud.people.holding_words import FIELDS, TABLES
from enterprises.models import RoleName
from enterprises.moments import in_words

if TYPE_CHECKING:
    from cloud.people.holding import Held
    from cloud.people.holding_words import TableWords

_WORDS: Final[dict[str, dict[Any, Any]]] = {
    "license_type": dict(ConsumedLicense.LicenseType.choices),
    "rule": dict(ServerAccount.Rule.choices),
    "kind": dict(Suspect.Kind.choices),
    "state": dict(Suspect.State.choices),
    "role": dict(RoleName.choices),
    "held_as": {rank.held_as: rank.label for rank in MemberAddress.Rank},
}
_REASONS: Final = {"reason", "since_reason"}
_ONE_ROW: Final = {"cloud.ConsumedLicense", "cloud.Member"}


@dataclass(frozen=True, kw_only=True)
class HeldTable:
    """A table as the page shows it: ``facts`` where a person has one row in it, else ``columns`` with ``rows``."""

    held: Held
    words: TableWords
    facts: list[dict[str, str]]
    columns: list[str]
    rows: list[list[dict[str, str]]]


def held_tables(held: list[Held]) -> list[HeldTable]:
    """What is held, in words."""
    return [_table(table) for table in held]


def _table(held: Held) -> HeldTable:
    names = [name for name in held.rows[0] if any(_is_said(row[name]) for row in held.rows)] if held.rows else []
    rows = [
        [{"label": str(FIELDS[name]), "value": _said(held.table, name, row[name], row)} for name in names]
        for row in held.rows
    ]
    is_one = held.table in _ONE_ROW
    return HeldTable(
        held=held,
        words=TABLES[held.table],
        facts=rows[0] if is_one else [],
        columns=[] if is_one else [str(FIELDS[name]) for name in names],
        rows=[] if is_one else rows,
    )


def _is_said(value: Any) -> bool:
    return value is not None and value not in ("", [])


def _said(table: str, name: str, value: Any, row: dict[str, Any]) -> str:
    match value:
        case None | "":
            return ""
        case bool():
            return _("yes") if value else _("no")
        case datetime():
            return in_words(value)
        case int():
            return str(value) if name == "number" else number_format(value, force_grouping=True)
        case list() | tuple():
            return ", ".join(map(str, value))
    if name in _REASONS:
        return reason_words(Reason(value), row.get("hostname", ""))
    if table == "cloud.MemberRole" and name == "role":
        return str(choices.words(name, value))
    return str(_WORDS.get(name, {}).get(value, value))
