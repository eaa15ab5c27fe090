"""Pages of people by key: whoever comes or goes meanwhile, nobody else is left out or shown twice.

A place in a list is what the list is ordered by, of the last person that was shown. This can be an address, so it
travels encrypted.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
from django.db.models import QuerySet

from cloud.models import ConsumedLicense, Ledger
from cloud.people.filters import PeopleFilter, Sort
from cloud.people.finding import ORDERS, people
from enterprises.secrets import WrongEncryptionKey, decrypt, encrypt

PAGE: Final = 50


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """A place in a list of some order; ``key`` are the values of the fields of ``ORDERS``."""

    sort: str
    key: tuple[int | str, ...]


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """Some people in the order that was meant, and the places before and after them; empty where nobody is there."""

    licenses: list[ConsumedLicense]
    before: str
    after: str


def people_page(
    ledger: Ledger, wanted: PeopleFilter, *, after: str = "", before: str = "", size: int = PAGE
) -> PeoplePage:
    """The people after a place or before one, else the first; a place of another order, or none, is not looked for."""
    found = people(ledger, wanted)
    order = ORDERS[wanted.sort]
    start = _read(after, wanted.sort)
    end = None if start else _read(before, wanted.sort)
    if end:
        rows = _next(found, _turned(order), end, size + 1)
        shown, is_more = rows[:size][::-1], len(rows) > size
        has_before, has_after = is_more, bool(shown) and bool(_next(found, order, _key(shown[-1], order), 1))
    else:
        rows = _next(found, order, start, size + 1) if start else list(found[: size + 1])
        shown, has_after = rows[:size], len(rows) > size
        has_before = start is not None and bool(_next(found, _turned(order), _key(shown[0], order), 1) if shown else 1)
    if not shown and (start or end):
        # Everybody beyond the place is gone: the list begins anew.
        return people_page(ledger, wanted, size=size)
    return PeoplePage(
        licenses=shown,
        before=_write(wanted.sort, _key(shown[0], order)) if has_before else "",
        after=_write(wanted.sort, _key(shown[-1], order)) if has_after else "",
    )


def _next(
    found: QuerySet[ConsumedLicense], order: tuple[str, ...], key: tuple[int | str, ...], size: int
) -> list[ConsumedLicense]:
    """Those beyond a key, from as many ranges of the index as it has fields: its own tie first, then what follows."""
    rows: list[ConsumedLicense] = []
    for part, rest in _ranges(order, key):
        if len(rows) < size:
            rows += found.filter(**part).order_by(*rest)[: size - len(rows)]
    return rows


def _ranges(
    order: tuple[str, ...], key: tuple[int | str, ...]
) -> Iterator[tuple[dict[str, int | str], tuple[str, ...]]]:
    """What is equal and what is beyond, most equal first; and the order of what is not equal."""
    names = [field.removeprefix("-") for field in order]
    for place in reversed(range(len(order))):
        beyond = "lt" if order[place].startswith("-") else "gt"
        part = {**dict(zip(names[:place], key, strict=False)), f"{names[place]}__{beyond}": key[place]}
        yield part, order[place:]


def _turned(order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(field[1:] if field.startswith("-") else f"-{field}" for field in order)


def _key(license_: ConsumedLicense, order: tuple[str, ...]) -> tuple[int | str, ...]:
    values: dict[str, int | str] = {
        "label": license_.label,
        "person_key": license_.person_key,
        "server_accounts": license_.server_accounts,
        "since": license_.since_revision or 0,
    }
    return tuple(values[field.removeprefix("-")] for field in order)


def _write(sort: Sort, key: tuple[int | str, ...]) -> str:
    return encrypt(msgspec.json.encode(_Place(sort.value, key)).decode())


def _read(place: str, sort: Sort) -> tuple[int | str, ...] | None:
    """The key of a place; None where there is none, it is of another order, or it was written under other keys."""
    try:
        found = msgspec.json.decode(decrypt(place), type=_Place) if place else None
    except (WrongEncryptionKey, msgspec.MsgspecError):
        return None
    return found.key if found and found.sort == sort.value else None
