"""Every way to fail has one sentence and one next step, in both languages' reach."""

import pytest
from django.utils.functional import Promise

from connect.failures import EXPLANATIONS, Unavailable, explain
from enterprises.outbound import OutboundKind
from wire.messages import ErrorCode

# Carried by CloudUnavailable, whose kinds have sentences of their own.
_BY_KIND = {ErrorCode.RATE_LIMITED, ErrorCode.BUSY}


def test_every_code_of_the_cloud_is_explained() -> None:
    missing = {code for code in ErrorCode if code not in EXPLANATIONS} - _BY_KIND

    assert missing == set()


def test_every_way_to_get_no_answer_is_explained() -> None:
    assert {kind for kind in Unavailable if kind not in EXPLANATIONS} == set()
    assert {str(kind) for kind in OutboundKind} <= {str(kind) for kind in Unavailable}


@pytest.mark.parametrize("code", sorted({*EXPLANATIONS, "a_code_of_tomorrow", ""}))
def test_an_explanation_is_translated_and_whole(code: str) -> None:
    explanation = explain(code)

    for text in (explanation.sentence, explanation.next_step):
        assert isinstance(text, Promise)
        assert str(text).endswith(".")
