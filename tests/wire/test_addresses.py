"""Addresses in comparable form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.addresses import AddressInvalid, normalize


@pytest.mark.parametrize(
    ("written", "comparable"),
    [
        ("  Mona@Octo.Example ", "mona@octo.example"),
        ("Zoë@straße.example.", "zoë@xn--strae-oqa.example"),
        ("Zoe\N{COMBINING DIAERESIS}@x.example", "zoë@x.example"),
        ("u@My_Host.example", "u@my_host.example"),
        ("m.o.n.a+news@octo.example", "m.o.n.a+news@octo.example"),
        ('"a@b"@octo.example', '"a@b"@octo.example'),
        ("DOMAIN\\Mona", "domain\\mona"),
        ("mona@", "mona@"),
        ("mona@octo.example..", "mona@octo.example"),
        ("mona@octo.example\u3002", "mona@octo.example"),
    ],
)
def test_normalize_gives_one_form(written: str, comparable: str) -> None:
    assert normalize(written) == comparable


@pytest.mark.parametrize("nothing", ["", " ", "\t\n"])
def test_normalize_of_nothing_is_none(nothing: str) -> None:
    assert normalize(nothing) is None


@pytest.mark.parametrize("impossible", ["mo\0na@x.example", "mo\nna@x.example", "\ud800@x.example", "a" * 321])
def test_normalize_refuses_what_can_be_no_address(impossible: str) -> None:
    with pytest.raises(AddressInvalid):
        normalize(impossible)


def test_normalize_refuses_what_grows_too_long_in_its_idna_form() -> None:
    with pytest.raises(AddressInvalid):
        normalize("a" * 290 + "@" + "ü" * 20 + ".example")


# Characters that change when they are folded, composed or mapped, and those that end a domain.
TROUBLE = "@@..aAß\u3002\uff0e \u00a0İſΣς\u0345\u0307ΐK\u1e9exn-_\u200d\u00ad"


@given(st.text(max_size=60) | st.text(alphabet=TROUBLE, max_size=14))
def test_normalize_changes_nothing_the_second_time(text: str) -> None:
    try:
        once = normalize(text)
    except AddressInvalid:
        return

    assert once is None or normalize(once) == once


@given(st.emails())
def test_normalize_ignores_case_and_surrounding_space(address: str) -> None:
    assert normalize(f" {address.upper()}\t") == normalize(address)
