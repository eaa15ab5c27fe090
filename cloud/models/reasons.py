"""Why a license is taken or given back."""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """The one reason that a revision has for each person it concerns; what it does to the number is ``effect``.

    The server concerned, where there is one, is that of the revision. The words are in ``cloud.changes.words``.
    """

    # One license more.
    JOINED = "joined"
    INVITED = "invited"
    UNSUSPENDED = "unsuspended"
    NEW_ACCOUNT = "new_account"
    UNMATCHED_ADDRESS = "unmatched_address"
    UNMATCHED_MEMBER = "unmatched_member"
    UNMATCHED_RENAME = "unmatched_rename"
    SUBSCRIPTION_ENDED = "subscription_ended"
    RECOUNT_ADDED = "recount_added"

    # One license less.
    LEFT = "left"
    SUSPENDED = "suspended"
    ACCOUNT_GONE = "account_gone"
    MATCHED_ADDRESS = "matched_address"
    MATCHED_MEMBER = "matched_member"
    MATCHED_RENAME = "matched_rename"
    SERVER_REMOVED = "server_removed"
    SUBSCRIPTION_BEGAN = "subscription_began"
    RECOUNT_REMOVED = "recount_removed"

    # The same number: one person went and the same one came under another address ...
    READDRESSED = "readdressed"
    # ... somebody came or went who is listed and not counted ...
    CAME_SUBSCRIBED = "came_subscribed"
    WENT_SUBSCRIBED = "went_subscribed"
    # ... or somebody stayed, whose license comes from elsewhere, too.
    STAYED_JOINED = "stayed_joined"
    STAYED_LEFT = "stayed_left"
    STAYED_NEW_ACCOUNT = "stayed_new_account"
    STAYED_MATCHED = "stayed_matched"
    STAYED_ACCOUNT_GONE = "stayed_account_gone"
    STAYED_UNMATCHED = "stayed_unmatched"

    @property
    def effect(self) -> int:
        """What it does to the number for every person: 1, -1 or 0."""
        return int(self in ADDING) - int(self in REMOVING)

    @property
    def keeps_people(self) -> bool:
        """Whether the people concerned are there afterwards; of who went nothing is kept."""
        return self is Reason.SUBSCRIPTION_BEGAN or (self not in REMOVING and self is not Reason.WENT_SUBSCRIBED)


ADDING: Final = (
    Reason.JOINED,
    Reason.INVITED,
    Reason.UNSUSPENDED,
    Reason.NEW_ACCOUNT,
    Reason.UNMATCHED_ADDRESS,
    Reason.UNMATCHED_MEMBER,
    Reason.UNMATCHED_RENAME,
    Reason.SUBSCRIPTION_ENDED,
    Reason.RECOUNT_ADDED,
)
REMOVING: Final = (
    Reason.LEFT,
    Reason.SUSPENDED,
    Reason.ACCOUNT_GONE,
    Reason.MATCHED_ADDRESS,
    Reason.MATCHED_MEMBER,
    Reason.MATCHED_RENAME,
    Reason.SERVER_REMOVED,
    Reason.SUBSCRIPTION_BEGAN,
    Reason.RECOUNT_REMOVED,
)
UNCHANGED: Final = tuple(reason for reason in Reason if not reason.effect)
