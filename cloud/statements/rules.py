"""The version of the rules by which licenses are counted, which every statement names."""

from typing import Final

RULES_VERSION: Final = 1
"""Raised with each change of docs/domain.md, "Who consumes a license", "Matching" or "Counting", that can change a
number; tests/cloud/test_statement_rules.py holds the digest of these sections."""
