"""How many licenses all listed pairs free together: fewer than each by itself, where three people are one."""

from cloud.models import Ledger
from cloud.staging import fetch_rows

# Only pairs that share somebody with another pair can close a ring.
_CHAINED = """
WITH listed AS (
    SELECT id, score, first_license_id AS one, second_license_id AS other FROM cloud_suspect
    WHERE ledger_id = %s AND state IN ('open', 'waiting') AND licenses_at_stake > 0
), several AS (
    SELECT license FROM (SELECT one AS license FROM listed UNION ALL SELECT other FROM listed) sides
    GROUP BY license HAVING count(*) > 1
)
SELECT one, other FROM listed
WHERE one IN (SELECT license FROM several) AND other IN (SELECT license FROM several)
ORDER BY score DESC, id
"""


def counted_twice(ledger: Ledger) -> int:
    """Return how many licenses at stake are those of other pairs, too: of three people who are one, two are freed."""
    group: dict[int, int] = {}

    def find(license_id: int) -> int:
        root = license_id
        while (parent := group.setdefault(root, root)) != root:
            root = parent
        while group[license_id] != root:
            group[license_id], license_id = root, group[license_id]
        return root

    twice = 0
    for one, other in fetch_rows(_CHAINED, ledger.pk):
        first, second = find(one), find(other)
        twice += first == second
        group[first] = second
    return twice
