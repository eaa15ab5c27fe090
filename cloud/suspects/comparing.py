"""Compare everybody's addresses: every pair that something speaks for, by set-based statements.

Nothing grows with the square of anything: what more than a handful of people share is nobody's, and is left out
before pairs are made.
"""

# ruff: noqa: S608  (Table names and conditions are this project's own; every value is a parameter.)

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from django.db import connection
from django.db.models import Q

from cloud.models import Ledger, VerifiedDomain
from cloud.staging import BIGINT, TEXT, analyze, execute, fetch_rows, write_piece
from cloud.suspects.addresses import KNOWN, OWN, PLACES, PRIMARY, SECONDARY, UNVERIFIED
from cloud.suspects.words import is_public

MOST_PEOPLE: Final = 3
"""Who shares an address or a mailbox with more people than that shares it with a team."""
MOST_SPELLINGS: Final = 12
"""A mailbox in more spellings is a robot's."""
LARGE_SHARE: Final = 20
"""A domain is the company's own where one in so many people has an address on it, three at least."""
FEWEST: Final = 3
SHORTEST_LOCAL_PART: Final = 3
MANY_OF_A_NAME: Final = 3
"""So many people whose addresses begin with one word: it is a given name."""
ONE_IN: Final = 20
"""A name of which chance alone gives one more in so many companies of this size is a common name."""

CANDIDATES: Final = "candidate_pair"
CANDIDATES_COLUMNS: Final = {
    "kind": TEXT,
    "people": BIGINT,
    "low": BIGINT,
    "high": BIGINT,
    "one_license": BIGINT,
    "one_account": BIGINT,
    "one_role": BIGINT,
    "one_address": TEXT,
    "other_license": BIGINT,
    "other_account": BIGINT,
    "other_role": BIGINT,
    "other_address": TEXT,
    "other_own": TEXT,
}
"""One row per thing that speaks for a pair; ``low`` and ``high`` are the two licenses in order. ``other_own`` is the
local part of an address that the other one has on the same domain as the address that both have."""

MEETING: Final = "meeting_pair"
MEETING_COLUMNS: Final = {"low": BIGINT, "high": BIGINT}
MEETING_KEY: Final = "low, high"
"""Pairs who both have an account on one server, or on the cloud."""

DOMAINS: Final = "company_domain"
DOMAINS_COLUMNS: Final = {"domain": TEXT}

_INSERT = f"INSERT INTO {CANDIDATES} ({', '.join(CANDIDATES_COLUMNS)})"
_PAIR = """
CASE WHEN one.license_id < other.license_id THEN one.license_id ELSE other.license_id END,
CASE WHEN one.license_id < other.license_id THEN other.license_id ELSE one.license_id END,
one.license_id, one.account_id, one.role, one.address, other.license_id, other.account_id, other.role, other.address
"""

# Two primary addresses are the same and not one person where GitHub's own report gave one of them to a member.
_SAME_ADDRESS = f"""
{_INSERT}
SELECT CASE WHEN other.role = {UNVERIFIED} THEN 'unverified' ELSE 'secondary' END, shared.people, {_PAIR}, own.local
FROM (
    SELECT address, count(DISTINCT license_id) AS people FROM {KNOWN}
    GROUP BY address HAVING count(DISTINCT license_id) BETWEEN 2 AND {MOST_PEOPLE}
) shared
JOIN {KNOWN} one ON one.address = shared.address AND one.role <= {OWN}
JOIN {KNOWN} other ON other.address = shared.address AND other.license_id <> one.license_id
LEFT JOIN (
    SELECT license_id, domain, min(local) AS local FROM {KNOWN} WHERE role <= {OWN} GROUP BY license_id, domain
) own ON own.license_id = other.license_id AND own.domain = other.domain AND own.local <> other.local
WHERE other.role IN ({SECONDARY}, {UNVERIFIED})
    OR (one.role = {PRIMARY} AND other.role = {PRIMARY} AND one.license_id < other.license_id)
"""

_SAME_MAILBOX = f"""
{_INSERT}
SELECT CASE WHEN one.base = other.base THEN 'plus_tag' ELSE 'dots' END, shared.people, {_PAIR}, CAST(NULL AS text)
FROM (
    SELECT mailbox, count(DISTINCT license_id) AS people FROM {KNOWN}
    GROUP BY mailbox
    HAVING count(DISTINCT license_id) BETWEEN 2 AND {MOST_PEOPLE} AND count(*) <= {MOST_SPELLINGS}
) shared
JOIN {KNOWN} one ON one.mailbox = shared.mailbox
JOIN {KNOWN} other ON other.mailbox = shared.mailbox
WHERE one.license_id < other.license_id AND one.address <> other.address
    AND (one.role <= {OWN} OR other.role <= {OWN})
"""

# Whoever has another address on the other's domain is somebody else.
_SAME_LOCAL_PART = f"""
{_INSERT}
SELECT 'local_part', shared.people, {_PAIR}, CAST(NULL AS text)
FROM (
    SELECT local, count(DISTINCT license_id) AS people
    FROM {KNOWN} JOIN {DOMAINS} ON {DOMAINS}.domain = {KNOWN}.domain
    WHERE role <= {OWN} AND local = base AND length(local) >= {SHORTEST_LOCAL_PART}
    GROUP BY local
    HAVING count(DISTINCT license_id) = 2 AND count(DISTINCT {KNOWN}.domain) = 2
) shared
JOIN {KNOWN} one ON one.local = shared.local AND one.role <= {OWN}
JOIN {KNOWN} other ON other.local = shared.local AND other.role <= {OWN}
JOIN {DOMAINS} one_domain ON one_domain.domain = one.domain
JOIN {DOMAINS} other_domain ON other_domain.domain = other.domain
WHERE one.license_id < other.license_id AND one.domain <> other.domain
    AND NOT EXISTS (
        SELECT 1 FROM {KNOWN} own WHERE own.license_id = one.license_id AND own.domain = other.domain
    )
    AND NOT EXISTS (
        SELECT 1 FROM {KNOWN} own WHERE own.license_id = other.license_id AND own.domain = one.domain
    )
"""

_MEETING = f"""
INSERT INTO {MEETING} (low, high)
SELECT DISTINCT pair.low, pair.high FROM {CANDIDATES} pair
JOIN {PLACES} one ON one.license_id = pair.low
JOIN {PLACES} other ON other.license_id = pair.high AND other.installation = one.installation
"""

# Nobody has two accounts in one place, but for a second one with another address of theirs.
_NAMESAKES_WHO_MEET = f"""
DELETE FROM {CANDIDATES} WHERE kind = 'local_part' AND EXISTS (
    SELECT 1 FROM {MEETING} WHERE {MEETING}.low = {CANDIDATES}.low AND {MEETING}.high = {CANDIDATES}.high
)
"""

# anna@ is a given name where there is an anna.meier@ besides: of two people called Anna one is seldom the other.
_GIVEN_NAMES = f"""
DELETE FROM {CANDIDATES} WHERE kind = 'local_part' AND one_address IN (
    SELECT address FROM {KNOWN} WHERE local = given AND given IN (
        SELECT given FROM {KNOWN} WHERE role <= {OWN}
        GROUP BY given HAVING count(DISTINCT license_id) >= {MANY_OF_A_NAME}
    )
)
"""

# How many of a name chance alone gives: as often as its first part is others', times as often as its second is.
_COMMON_NAMES = f"""
DELETE FROM {CANDIDATES} WHERE kind = 'local_part' AND one_address IN (
    SELECT known.address FROM {KNOWN} known
    JOIN (
        SELECT given, count(DISTINCT license_id) AS people FROM {KNOWN} WHERE role <= {OWN} GROUP BY given
    ) first_half ON first_half.given = known.given
    JOIN (
        SELECT family, count(DISTINCT license_id) AS people FROM {KNOWN}
        WHERE role <= {OWN} AND family <> '' GROUP BY family
    ) second_half ON second_half.family = known.family
    WHERE known.role <= {OWN}
        AND (first_half.people - 2) * (second_half.people - 2) * {ONE_IN}
            > (SELECT count(DISTINCT license_id) FROM {KNOWN} WHERE role <= {OWN})
)
"""

_LARGE_DOMAINS = f"""
SELECT domain FROM (
    SELECT domain, count(DISTINCT license_id) AS people FROM {KNOWN} WHERE role <= {OWN} GROUP BY domain
) by_domain
WHERE people >= {FEWEST}
    AND people * {LARGE_SHARE} >= (SELECT count(*) FROM cloud_consumedlicense WHERE ledger_id = %s)
"""


def domains_of(ledgers: Iterable[Ledger]) -> Mapping[int, list[str]]:
    """The domains that each account has verified or approved, in order, by the ledger's key."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    proved = Q(verified_at__isnull=False) | Q(approved_at__isnull=False)
    domains = VerifiedDomain.objects.filter(proved, ledger__in=[ledger.pk for ledger in ledgers])
    for pk, domain in domains.order_by("domain").values_list("ledger", "domain"):
        found[pk].append(domain)
    return found


def find_company_domains(ledger: Ledger, held: list[str]) -> None:
    """Fill ``DOMAINS``: what is verified or approved, and what many people's addresses are on; no public provider."""
    large = [domain for (domain,) in fetch_rows(_LARGE_DOMAINS, ledger.pk)]
    rows = [(domain,) for domain in sorted({*large, *held}) if not is_public(domain)]
    write_piece(DOMAINS, DOMAINS_COLUMNS, list(rows))
    analyze(DOMAINS)


def compare_addresses() -> None:
    """Pairs of which one has the other's own address besides."""
    execute(_SAME_ADDRESS)


def compare_mailboxes() -> None:
    """Pairs whose addresses differ in dots or tags alone."""
    execute(_SAME_MAILBOX)


def compare_local_parts() -> None:
    """Pairs that have one local part on two domains of the company, and nothing that speaks against it."""
    execute(_SAME_LOCAL_PART)
    analyze(CANDIDATES)
    if connection.vendor == "sqlite":
        execute(f"CREATE INDEX temp.{CANDIDATES}_low ON {CANDIDATES} (low)")
    execute(_MEETING)
    analyze(MEETING)
    execute(_NAMESAKES_WHO_MEET)
    execute(_GIVEN_NAMES)
    execute(_COMMON_NAMES)
