"""A cloud account with as many people as a test wants, written by a few statements: for plans and times of lists.

Of each ten people seven are on both sides, two on the cloud only, one on a server only. Some things hold for one in a
thousand: an owner, no two-factor authentication, an address on rare.example, an account on rare.octo.example,
a subscription, ambiguity.
"""

from datetime import datetime

from django.db import connection

from cloud.models import Ledger, VerifiedDomain
from cloud.staging import execute
from tests.cloud.books import NOW, connect

HOSTS = ("one.octo.example", "two.octo.example", "rare.octo.example")
TABLES = ("cloud_member", "cloud_memberaddress", "cloud_memberrole", "cloud_serveraccount", "cloud_consumedlicense")
_NUMBERS = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {people})
"""
_MEMBERS = """
INSERT INTO cloud_member
    (ledger_id, number, login, name, is_license_consuming, has_matched_subscription, details, digest, roles_digest)
{numbers}
SELECT {ledger}, n, 'person-' || n, 'Person ' || n, true, n % 1000 = 7,
       CAST(CASE WHEN n % 1000 = 5 THEN '{{"two_factor":false}}' ELSE '{{"two_factor":true}}' END AS {json}), '', ''
FROM number WHERE n % 10 < 9
"""
_ADDRESSES = """
INSERT INTO cloud_memberaddress (ledger_id, number, rank, value)
{numbers}
SELECT {ledger}, n, 2, 'person.' || n || CASE WHEN n % 1000 = 3 THEN '@rare.example' ELSE '@octo.example' END
FROM number WHERE n % 10 < 9 AND n % 1000 <> 4
"""
_ROLES = """
INSERT INTO cloud_memberrole (ledger_id, number, organization, role)
{numbers}
SELECT {ledger}, n, 'org-' || (n % 5), CASE WHEN n % 1000 = 2 THEN 'owner' ELSE 'member' END
FROM number WHERE n % 10 < 9
"""
_ACCOUNTS = """
INSERT INTO cloud_serveraccount
    (ledger_id, installation_id, user_id, line, primary_address, person_key, rule, is_ambiguous)
{numbers}
SELECT {ledger}, CASE WHEN n % 1000 = 1 THEN {rare} WHEN n % 2 = 0 THEN {one} ELSE {two} END, n, '{{}}',
       'person.' || n || '@octo.example',
       CASE WHEN n % 10 < 9 THEN 'm:' || n ELSE 'a:person.' || n || '@octo.example' END,
       'verified', n % 1000 = 6
FROM number WHERE n % 10 < 7 OR n % 10 = 9
"""
_LICENSES = """
INSERT INTO cloud_consumedlicense
    (ledger_id, person_key, member_id, label, license_type, is_counted, on_cloud, server_accounts, is_ambiguous,
     since_revision)
{numbers}
SELECT {ledger}, CASE WHEN n % 10 < 9 THEN 'm:' || n ELSE 'a:person.' || n || '@octo.example' END, member.id,
       coalesce(member.login, 'person.' || n || '@octo.example'),
       CASE WHEN n % 1000 = 7 THEN 'visual_studio' ELSE 'enterprise' END, n % 1000 <> 7, n % 10 < 9,
       CASE WHEN n % 10 < 7 OR n % 10 = 9 THEN 1 ELSE 0 END, n % 1000 = 6, 1 + n % 50
FROM number LEFT JOIN cloud_member member ON member.ledger_id = {ledger} AND member.number = n
"""


def fill(ledger: Ledger, people: int, *, at: datetime = NOW) -> None:
    """Write so many people into empty books, and tell the database how many there are."""
    one, two, rare = (connect(ledger, hostname).pk for hostname in HOSTS)
    for domain in ("octo.example", "rare.example"):
        VerifiedDomain.objects.create(ledger=ledger, domain=domain, verified_at=at)
    words = {
        "numbers": _NUMBERS.format(people=people),
        "ledger": ledger.pk,
        "json": "jsonb" if connection.vendor == "postgresql" else "text",
        "one": one,
        "two": two,
        "rare": rare,
    }
    for statement in (_MEMBERS, _ADDRESSES, _ROLES, _ACCOUNTS, _LICENSES):
        execute(statement.format(**words).replace("%", "%%"))
    if connection.vendor == "postgresql":
        for table in TABLES:
            execute(f"ANALYZE {table}")
