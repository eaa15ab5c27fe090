"""Read every address of every person of an account into a temporary table, secondary ones included.

Secondary addresses stand nowhere but in the lines of accounts. The database takes the JSON apart by itself, each time
anew: nothing is stored that would have to go with a person (docs/adr/secondary-addresses-are-read-anew.md).
"""

# ruff: noqa: S608  (Table names and expressions are this project's own; every value is a parameter.)

from typing import Final

from django.db import connection

from cloud.models import Ledger
from cloud.staging import BIGINT, TEXT, analyze, execute
from cloud.suspects.words import NO_REPLY

KNOWN: Final = "known_address"
KNOWN_COLUMNS: Final = {
    "license_id": BIGINT,
    "account_id": BIGINT,
    "role": BIGINT,
    "address": TEXT,
    "local": TEXT,
    "domain": TEXT,
    "base": TEXT,
    "mailbox": TEXT,
    "given": TEXT,
    "family": TEXT,
}
"""One row per person, role and address. ``base`` is the local part without its tag, ``mailbox`` the address without
tag and dots before the @, ``given`` what stands before the first separator, ``family`` what stands behind it.
``account_id`` is one of the accounts that hold it, or nothing where a member does."""

PLACES: Final = "known_place"
PLACES_COLUMNS: Final = {"license_id": BIGINT, "installation": BIGINT}
PLACES_KEY: Final = "license_id, installation"
"""Where a person has an account; 0 is the cloud."""

IDENTITY, VERIFIED, PRIMARY, SECONDARY, UNVERIFIED = range(1, 6)
"""Roles of addresses. The first three match; ``OWN`` is the last of them."""
OWN: Final = PRIMARY
ROLE_NAMES: Final = {
    IDENTITY: "identity",
    VERIFIED: "verified",
    PRIMARY: "primary",
    SECONDARY: "secondary",
    UNVERIFIED: "unverified",
}

_MEMBERS = f"""
SELECT license.id AS license_id, CAST(NULL AS bigint) AS account_id,
       CASE held.rank WHEN 1 THEN {IDENTITY} WHEN 2 THEN {VERIFIED} ELSE {UNVERIFIED} END AS role, held.value AS address
FROM cloud_memberaddress held
JOIN cloud_consumedlicense license ON license.ledger_id = %s AND license.person_key = 'm:' || held.number
WHERE held.ledger_id = %s
"""

_PRIMARIES = f"""
SELECT license.id AS license_id, min(account.id) AS account_id, {PRIMARY} AS role, account.primary_address AS address
FROM cloud_serveraccount account
JOIN cloud_consumedlicense license ON license.ledger_id = %s AND license.person_key = account.person_key
WHERE account.ledger_id = %s AND account.primary_address <> ''
GROUP BY license.id, account.primary_address
"""

# Only lines that hold a secondary address are taken apart.
_SECONDARIES = f"""
SELECT license.id AS license_id, min(account.id) AS account_id, {SECONDARY} AS role, {{address}} AS address
FROM cloud_serveraccount account
JOIN cloud_consumedlicense license ON license.ledger_id = %s AND license.person_key = account.person_key
CROSS JOIN {{emails}} email
WHERE account.ledger_id = %s AND account.line LIKE '%%,false]%%' AND {{is_secondary}}
GROUP BY license.id, {{address}}
"""
_JSON = {
    "postgresql": {
        "emails": "LATERAL jsonb_array_elements(account.line::jsonb -> 'emails')",
        "address": "email.value ->> 0",
        "is_secondary": "email.value -> 1 = 'false'::jsonb",
    },
    "sqlite": {
        "emails": "json_each(account.line, '$.emails')",
        "address": "json_extract(email.value, '$[0]')",
        "is_secondary": "json_extract(email.value, '$[1]') = 0",
    },
}

_TAKE_APART = f"""
INSERT INTO {KNOWN} (license_id, account_id, role, address, local, domain, base, mailbox, given, family)
SELECT license_id, account_id, role, address, local, domain, base, replace(base, '.', '') || '@' || domain,
       CASE WHEN {{position}}({{words}}, '.') > 1
            THEN substr({{words}}, 1, {{position}}({{words}}, '.') - 1) ELSE base END,
       CASE WHEN {{position}}({{words}}, '.') > 1
            THEN substr({{words}}, {{position}}({{words}}, '.') + 1) ELSE '' END
FROM (
    SELECT license_id, account_id, role, address, local, domain,
           CASE WHEN {{position}}(local, '+') > 1
                THEN substr(local, 1, {{position}}(local, '+') - 1) ELSE local END AS base
    FROM (
        SELECT license_id, account_id, role, address,
               substr(address, 1, {{position}}(address, '@') - 1) AS local,
               substr(address, {{position}}(address, '@') + 1) AS domain
        FROM ({{source}}) held
        WHERE {{position}}(address, '@') > 1
    ) halves
    WHERE domain NOT LIKE '%%@%%' AND domain NOT LIKE '{NO_REPLY}%%'
) parts
"""
_WORDS = "replace(replace(base, '_', '.'), '-', '.')"
_POSITION = {"postgresql": "strpos", "sqlite": "instr"}

_PLACES = f"""
INSERT INTO {PLACES} (license_id, installation)
SELECT license.id, account.installation_id
FROM cloud_serveraccount account
JOIN cloud_consumedlicense license ON license.ledger_id = %s AND license.person_key = account.person_key
WHERE account.ledger_id = %s
GROUP BY license.id, account.installation_id
UNION ALL
SELECT id, 0 FROM cloud_consumedlicense WHERE ledger_id = %s AND on_cloud
"""


def read_members(ledger: Ledger) -> None:
    """Read what members hold: identities, verified and unverified addresses."""
    _take_apart(_MEMBERS, ledger)


def read_primaries(ledger: Ledger) -> None:
    """Read the primary addresses of server accounts."""
    _take_apart(_PRIMARIES, ledger)


def read_secondaries(ledger: Ledger) -> None:
    """Read the secondary addresses of server accounts, out of their lines."""
    _take_apart(_SECONDARIES.format(**_JSON[connection.vendor]), ledger)


def read_places(ledger: Ledger) -> None:
    """Read where everybody has an account, and prepare what was read for being compared."""
    execute(_PLACES, ledger.pk, ledger.pk, ledger.pk)
    analyze(PLACES)
    if connection.vendor == "sqlite":
        for column in ("address", "mailbox", "local", "given", "license_id"):
            execute(f"CREATE INDEX temp.{KNOWN}_{column} ON {KNOWN} ({column})")
    analyze(KNOWN)


def _take_apart(source: str, ledger: Ledger) -> None:
    position = _POSITION[connection.vendor]
    execute(_TAKE_APART.format(source=source, position=position, words=_WORDS), ledger.pk, ledger.pk)
