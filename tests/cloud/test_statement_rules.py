"""The version of the rules stands for the text of the rules: whoever changes one looks at the other."""

import hashlib
from pathlib import Path

from cloud.statements.rules import RULES_VERSION

DOMAIN = Path(__file__).parents[2] / "docs/domain.md"


def test_rules_version_stands_for_the_rules() -> None:
    """A change that can change a number raises the version; one of wording changes the digest here, alone."""
    text = DOMAIN.read_text(encoding="utf-8")
    rules = text[text.index("## Who consumes a license") : text.index("## Probably the same person")]

    digest = hashlib.sha256(rules.encode()).hexdigest()

    assert (RULES_VERSION, digest) == (1, "c82d55266766b75eab64ff7f6e360f1ec839d591ff1338a73528896425470cd3")
