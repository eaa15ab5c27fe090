"""What became of a job, in words: one table of every code that a job can end or wait with."""

from licensesync.failures.table import DECISIONS, ENDINGS, Failure, all_failures, explain, failure_of, way_to

__all__ = ["DECISIONS", "ENDINGS", "Failure", "all_failures", "explain", "failure_of", "way_to"]
