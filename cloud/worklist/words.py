"""What the worklist says of an entry: what speaks for it, what would make the two one, and a text that asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cloud.models import Revision

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from cloud.suspects.evidence import Fix, Held

    Text = str | _StrPromise

_ON_SERVER: Final[dict[str, Text]] = {
    "primary": gettext_lazy("primary address on {host}"),
    "secondary": gettext_lazy("secondary address on {host}"),
}
_ON_CLOUD: Final[dict[str, Text]] = {
    "identity": gettext_lazy("SAML or SCIM identity"),
    "verified": gettext_lazy("verified address"),
    "unverified": gettext_lazy("address that is not verified"),
}


@dataclass(frozen=True, kw_only=True)
class Ways:
    """What the words about a fix need: who, where, and the address where the viewer may see it."""

    fix: Fix
    who: str
    host: str
    address: str
    labels: tuple[str, str]

    @property
    def account(self) -> str:
        """The account on its server."""
        return f"{self.host}:{self.fix['user_id']}"


def role(held: Held, hosts: dict[int, str]) -> str:
    """What an address is to whoever holds it."""
    host = hosts.get(held["installation"] or 0, "")
    sentence = _ON_SERVER.get(held["role"]) or _ON_CLOUD[held["role"]]
    return str(sentence).format(host=host or _("a server that is gone"))


def fix_sentence(ways: Ways) -> str:
    """What somebody can do, in one sentence."""
    address = ways.address or _("the address that suggests it")
    if ways.fix["action"] == "verify":
        return _("Add %(address)s as a verified email of %(login)s.") % {"address": address, "login": ways.who}
    if ways.fix["action"] == "leave":
        return _leave(ways)
    more = ways.fix["more"]
    words = {"address": address, "account": ways.account, "more": more}
    if not more:
        return _("Make %(address)s the primary email of %(account)s.") % words
    return (
        ngettext(
            "Make %(address)s the primary email of %(account)s, and of %(more)d other account of the same person.",
            "Make %(address)s the primary email of %(account)s, and of %(more)d other accounts of the same person.",
            more,
        )
        % words
    )


def _leave(ways: Ways) -> str:
    if ways.fix["number"] is not None:
        return _("No address makes two members one. Take one of them, such as %(login)s, out of the organizations.") % {
            "login": ways.who
        }
    return _("No address makes the two one. Suspend or delete one of the accounts, such as %(account)s.") % {
        "account": ways.account
    }


def letter(ways: Ways) -> str:
    """A text to send to the person, or to the site administrator; empty where no address may be told."""
    if not ways.address and ways.fix["action"] != "leave":
        return ""
    first, second = ways.labels
    opening = _(
        "Hello,\n\nyou seem to use GitHub under two accounts that share no email: %(first)s and %(second)s. "
        "Each of them consumes a license."
    ) % {"first": first, "second": second}
    asks = {
        "verify": _("Please sign in on the cloud as %(login)s, open Settings > Emails, add %(address)s and verify it."),
        "primary": _(
            "Please sign in on %(host)s, open Settings > Emails, and make %(address)s your primary email. "
            "Where you cannot change it there, a site administrator or the identity provider can: the account has "
            "the ID %(user_id)s."
        ),
        "leave": _("Please tell us which of the two you do not need any more."),
    }
    ask = asks[ways.fix["action"]] % {
        "login": ways.who,
        "address": ways.address,
        "host": ways.host,
        "user_id": ways.fix["user_id"],
    }
    closing = _("If these are not both yours, please say so. Thank you.")
    return f"{opening}\n\n{ask}\n\n{closing}"


def by_what(revision: Revision) -> str:
    """What changed the books with a revision, for the middle of a sentence."""
    words = {
        Revision.Cause.SYNC: _("the sync of %(host)s"),
        Revision.Cause.MEMBERS: _("the import of members"),
        Revision.Cause.REMOVAL: _("the removal of %(host)s"),
        Revision.Cause.RENAME: _("the new name of %(host)s"),
        Revision.Cause.RECOUNT: _("a recount"),
    }
    return words[Revision.Cause(revision.cause)] % {"host": revision.hostname}
