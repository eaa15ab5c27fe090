"""How long a failed job waits before it is tried again."""

import itertools

from licensesync.outcomes import backoff


def test_pauses_double_up_to_about_a_day_and_differ_between_jobs() -> None:
    hours = [backoff(1, attempts).total_seconds() / 3600 for attempts in range(1, 30)]

    assert 0.75 / 60 <= hours[0] <= 1.25 / 60
    assert all(later > 1.1 * earlier for earlier, later in itertools.pairwise(hours[:9]))
    assert all(18 <= hour <= 30 for hour in hours[14:])
    assert len({backoff(job, 5) for job in range(50)}) > 40
