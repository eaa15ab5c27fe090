"""Read statements that were made, and hand them out as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from cloud import signer
from wire import signing
from wire import statements as wire_statements

VERIFIER: Final = Path(__file__).parents[2] / "docs" / "verify_statement.py"
"""The program that checks a statement offline; whoever builds an image takes it along."""

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from cloud.models import Ledger, Statement


def statements(ledger: Ledger) -> QuerySet[Statement]:
    """All statements of an account, the newest first."""
    return ledger.statements.order_by("-made_at", "-pk")


def of_month(ledger: Ledger, month: date) -> Statement | None:
    """The statement of a month, where there is one."""
    return ledger.statements.filter(month=month).first()


def read_statement(statement: Statement) -> wire_statements.Statement:
    """What was signed."""
    return msgspec.json.decode(statement.body, type=wire_statements.Statement)


class Headline(msgspec.Struct, frozen=True):
    """The count that a statement is made for, read without the rest of it."""

    consumed: int
    purchased: int


class _Headlines(Headline, frozen=True):
    month_end: Headline | None = None


def read_headline(statement: Statement) -> Headline:
    """The count at the end of a month, or at the moment as of which somebody asked."""
    said = msgspec.json.decode(statement.body, type=_Headlines)
    return said.month_end or said


def json_file(statement: Statement) -> bytes:
    """The file for programs and for docs/verify_statement.py: the same bytes each time."""
    keys = signer.keys_until(statement.kid)
    return wire_statements.statement_file(body=statement.body.encode(), jws=statement.jws, keys=keys)


def signing_fingerprint(statement: Statement) -> str:
    """The fingerprint of the key that signed a statement."""
    return signing.fingerprint(signer.keys_until(statement.kid)[-1].x)


def fingerprints() -> list[tuple[str, str]]:
    """The id and the fingerprint of each key under which a statement may be signed, the newest first."""
    return [(key.kid, signing.fingerprint(key.x)) for key in reversed(signer.all_keys())]


def file_name(statement: Statement, suffix: str) -> str:
    """Name a file of a statement: of ASCII, since a slug is."""
    when = f"{statement.month:%Y-%m}" if statement.month else f"{statement.made_at:%Y-%m-%dT%H%M%SZ}"
    return f"license_statement-{statement.ledger.enterprise.slug}-{when}.{suffix}"
