"""Ask DNS for one TXT record: a few seconds at most, no name but the one that was asked for.

A resolver that is asked follows aliases (CNAME) by itself; what it answers at their end counts. An answer has 64 KiB at
most, as every message of DNS.
"""

import logging
from collections.abc import Iterator
from typing import Final

import dns.exception
import dns.name
import dns.resolver
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from dns.nameserver import Do53Nameserver
from dns.rdtypes.ANY.TXT import TXT

logger = logging.getLogger(__name__)

LIFETIME_SECONDS: Final = 4.0
"""For everything together: every server that is asked, and again by TCP where an answer does not fit."""
_TRY_SECONDS: Final = 1.5


class Outcome(models.TextChoices):
    """What DNS said of a record."""

    FOUND = "found", _("The record is there.")
    NO_NAME = "no_name", _("DNS knows no such name.")
    NO_RECORD = "no_record", _("The name has no TXT record.")
    OTHER_VALUE = "other_value", _("The TXT record has another value.")
    FAILURE = "failure", _("The domain's name servers answered with a failure.")
    TIMEOUT = "timeout", _("DNS did not answer in time.")
    NO_RESOLVER = "no_resolver", _("This console has no DNS server to ask.")


MISSING: Final = frozenset({Outcome.NO_NAME, Outcome.NO_RECORD, Outcome.OTHER_VALUE})
"""DNS answered, and the record is not there. The other failures say nothing about the record."""


def ask(name: str, code: str) -> Outcome:
    """Look whether one of the TXT records of ``name`` is ``code``; takes `LIFETIME_SECONDS` at most."""
    try:
        values = list(_values(name))
    except dns.resolver.NXDOMAIN:
        return Outcome.NO_NAME
    except dns.resolver.NoAnswer:
        return Outcome.NO_RECORD
    except dns.exception.Timeout:
        return Outcome.TIMEOUT
    except dns.resolver.NoResolverConfiguration:
        logger.warning("There is no DNS server to ask: DNS_RESOLVERS names none, nor does this machine.")
        return Outcome.NO_RESOLVER
    except dns.exception.DNSException as error:
        logger.info("DNS answered with a failure.", extra={"error": type(error).__name__})
        return Outcome.FAILURE
    return Outcome.FOUND if code in values else Outcome.OTHER_VALUE


def _values(name: str) -> Iterator[str]:
    """The values of the records, each put together from its strings, without the space that forms add."""
    answer = _resolver().resolve(dns.name.from_text(name), "TXT", search=False, lifetime=LIFETIME_SECONDS)
    for record in answer:
        if isinstance(record, TXT):
            yield b"".join(record.strings).decode("ascii", errors="replace").strip()


def _resolver() -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not settings.DNS_RESOLVERS)
    if settings.DNS_RESOLVERS:
        resolver.nameservers = [Do53Nameserver(address, port) for address, port in settings.DNS_RESOLVERS]
    resolver.timeout = _TRY_SECONDS
    return resolver
