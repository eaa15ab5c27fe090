"""What is a domain, in which form it is kept, and what its DNS record is called."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.domains.names import DomainInvalid, Problem, Warned, challenge_name, checked_domain, shown, warning_of
from wire.addresses import normalize


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("octo.example", "octo.example"),
        ("  OCTO.Example. ", "octo.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("xn--strae-oqa.example", "xn--strae-oqa.example"),
        ("日本語。example", "xn--wgv71a119e.example"),
        ("my_host.example", "my_host.example"),
        ("a.b.c.octo.example", "a.b.c.octo.example"),
        ("1.octo.example", "1.octo.example"),
    ],
)
def test_domain_is_kept_as_addresses_are_compared(typed: str, domain: str) -> None:
    assert checked_domain(typed) == domain
    assert normalize(f"Mona@{typed.strip()}") == f"mona@{domain}"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("", Problem.EMPTY),
        (" \t ", Problem.EMPTY),
        ("mona@octo.example", Problem.ADDRESS),
        ("@octo.example", Problem.ADDRESS),
        ("https://octo.example", Problem.WEB_ADDRESS),
        ("octo.example/path", Problem.WEB_ADDRESS),
        ("octo.example:53", Problem.WEB_ADDRESS),
        ("192.0.2.1", Problem.IP),
        ("１９２.0.2.1", Problem.IP),
        ("10.1", Problem.IP),
        ("octo.0x7f", Problem.IP),
        ("[2001:db8::1]", Problem.IP),
        ("2001:db8::1", Problem.IP),
        ("localhost", Problem.ONE_LABEL),
        (".", Problem.SPELLING),
        ("octo..example", Problem.SPELLING),
        (".octo.example", Problem.SPELLING),
        ("-octo.example", Problem.SPELLING),
        ("octo-.example", Problem.SPELLING),
        ("octo example.com", Problem.SPELLING),
        ("*.octo.example", Problem.SPELLING),
        ("octo.example;", Problem.SPELLING),
        ("octo\x00.example", Problem.SPELLING),
        ("octo\u202e.example", Problem.SPELLING),
        ("<b>.example", Problem.SPELLING),
        (f"{'a' * 64}.example", Problem.SPELLING),
        (".".join(["a" * 60] * 4), Problem.TOO_LONG),
        ("a" * 301, Problem.TOO_LONG),
    ],
)
def test_what_is_no_domain_is_refused_with_its_reason(typed: str, problem: Problem) -> None:
    with pytest.raises(DomainInvalid) as refused:
        checked_domain(typed)

    assert refused.value.problem is problem


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=40) | st.from_regex(r"[a-zA-Z0-9ß日._-]{1,40}\.[a-z]{2,9}", fullmatch=True))
def test_whatever_is_accepted_is_a_name_of_dns_and_stays_the_same(typed: str) -> None:
    try:
        domain = checked_domain(typed)
    except DomainInvalid:
        return

    assert checked_domain(domain) == domain
    name = challenge_name("a" * 60, domain)
    assert name.isascii()
    assert len(name) <= 253
    assert all(1 <= len(label) <= 63 for label in name.split("."))


@pytest.mark.parametrize(
    ("domain", "warned"),
    [
        ("octo.example", None),
        ("gmail.com", Warned.MAIL_PROVIDER),
        ("live.fr", Warned.MAIL_PROVIDER),
        ("users.noreply.github.com", Warned.MAIL_PROVIDER),
        ("co.uk", Warned.PUBLIC_SUFFIX),
        ("github.io", Warned.PUBLIC_SUFFIX),
        ("octo.co.uk", None),
        ("xn--55qx5d.cn", Warned.PUBLIC_SUFFIX),
    ],
)
def test_what_is_nobodys_own_is_warned_of(domain: str, warned: Warned | None) -> None:
    assert warning_of(domain) is warned


def test_record_is_named_after_the_account_however_long_its_slug_is() -> None:
    long, other = f"{'a' * 50}-one", f"{'a' * 50}-two"

    assert challenge_name("octo", "octo.example") == "_licensesync-challenge-octo.octo.example"
    assert challenge_name("a" * 40, "octo.example") == f"_licensesync-challenge-{'a' * 40}.octo.example"
    assert challenge_name(long, "octo.example") != challenge_name(other, "octo.example")
    assert len(challenge_name(long, "octo.example").partition(".")[0]) == 63


def test_domain_is_shown_as_people_write_it() -> None:
    assert shown("octo.example") == "octo.example"
    assert shown("xn--strae-oqa.example") == "straße.example (xn--strae-oqa.example)"
    assert shown("xn--0.example") == "xn--0.example"
