"""Reasons and causes in words: a few for a line of a table or of an equation, a sentence for what needs one."""

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cloud.models import Reason, Revision

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_REASONS: Final[dict[Reason, "_StrPromise"]] = {
    Reason.JOINED: gettext_lazy("joined the cloud"),
    Reason.INVITED: gettext_lazy("invited to the cloud"),
    Reason.UNSUSPENDED: gettext_lazy("unsuspended on the cloud"),
    Reason.NEW_ACCOUNT: gettext_lazy("new account on %(host)s"),
    Reason.UNMATCHED_ADDRESS: gettext_lazy("no longer matched: primary address changed on %(host)s"),
    Reason.UNMATCHED_MEMBER: gettext_lazy("no longer matched: address of a member gone or no longer verified"),
    Reason.UNMATCHED_RENAME: gettext_lazy("no longer matched: the server is called %(host)s now"),
    Reason.SUBSCRIPTION_ENDED: gettext_lazy("Visual Studio subscription ended"),
    Reason.RECOUNT_ADDED: gettext_lazy("added by a recount"),
    Reason.LEFT: gettext_lazy("left the cloud"),
    Reason.SUSPENDED: gettext_lazy("suspended on the cloud"),
    Reason.ACCOUNT_GONE: gettext_lazy("account gone from %(host)s"),
    Reason.MATCHED_ADDRESS: gettext_lazy("now matched: primary address changed on %(host)s"),
    Reason.MATCHED_MEMBER: gettext_lazy("now matched: address of a member added or verified"),
    Reason.MATCHED_RENAME: gettext_lazy("now matched: the server is called %(host)s now"),
    Reason.SERVER_REMOVED: gettext_lazy("%(host)s was removed"),
    Reason.SUBSCRIPTION_BEGAN: gettext_lazy("holds a Visual Studio subscription now"),
    Reason.RECOUNT_REMOVED: gettext_lazy("removed by a recount"),
    Reason.READDRESSED: gettext_lazy("the same person under another address"),
    Reason.CAME_SUBSCRIBED: gettext_lazy("came with a Visual Studio subscription"),
    Reason.WENT_SUBSCRIBED: gettext_lazy("went with a Visual Studio subscription"),
    Reason.STAYED_JOINED: gettext_lazy("consumes on the cloud now, too"),
    Reason.STAYED_LEFT: gettext_lazy("consumes on servers only now"),
    Reason.STAYED_NEW_ACCOUNT: gettext_lazy("one more account on %(host)s"),
    Reason.STAYED_MATCHED: gettext_lazy("one more account, which was somebody else's before"),
    Reason.STAYED_ACCOUNT_GONE: gettext_lazy("one account less on %(host)s"),
    Reason.STAYED_UNMATCHED: gettext_lazy("one account less, which is somebody else's now"),
}

_HELP: Final[dict[Reason, "_StrPromise"]] = {
    Reason.JOINED: gettext_lazy("A member, an owner or a collaborator who was not listed before, or consumed nothing."),
    Reason.UNMATCHED_ADDRESS: gettext_lazy(
        "The account was one person with a member or another account. It is matched again when the address is the same "
        "again, or when the member verifies the new one."
    ),
    Reason.UNMATCHED_MEMBER: gettext_lazy(
        "The account belonged to a member by this address, or by GitHub's report. It is matched again when the member "
        "verifies the primary address of the account."
    ),
    Reason.UNMATCHED_RENAME: gettext_lazy("GitHub's report lists the accounts under the former name."),
    Reason.RECOUNT_ADDED: gettext_lazy("The count was wrong before."),
    Reason.RECOUNT_REMOVED: gettext_lazy("The count was wrong before."),
    Reason.ACCOUNT_GONE: gettext_lazy("Deleted or suspended there; a server lists who consumes, not which of the two."),
    Reason.READDRESSED: gettext_lazy("One license before and after; the number is the same."),
    Reason.CAME_SUBSCRIBED: gettext_lazy("Listed, and not counted."),
    Reason.WENT_SUBSCRIBED: gettext_lazy("Was listed, and not counted."),
}


def reason_words(reason: Reason, hostname: str) -> str:
    """Say a reason in a few words, small letters first; ``hostname`` is that of the revision."""
    return str(_REASONS[reason]) % {"host": hostname}


def reason_help(reason: Reason) -> str:
    """Say what a reason means, where the few words do not; else empty."""
    return str(_HELP.get(reason, ""))


def cause_words(cause: str, hostname: str) -> str:
    """Say what made a revision."""
    words = {
        Revision.Cause.SYNC: _("Sync of %(host)s"),
        Revision.Cause.MEMBERS: _("Import of members"),
        Revision.Cause.REMOVAL: _("Removal of %(host)s"),
        Revision.Cause.RENAME: _("New name %(host)s"),
        Revision.Cause.RECOUNT: _("Recount"),
    }
    return words[Revision.Cause(cause)] % {"host": hostname}
