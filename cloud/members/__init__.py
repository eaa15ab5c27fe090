"""Members come in: from NDJSON or from GitHub's own report, all or nothing."""

from cloud.members.files import Format, read_members
from cloud.members.importing import (
    MemberChange,
    ShrinkNotAllowed,
    apply_members,
    staged_members,
    staged_numbers,
)
from cloud.members.reading import MembersInvalid, Readable
from cloud.members.rows import Details, MemberRow

__all__ = [
    "Details",
    "Format",
    "MemberChange",
    "MemberRow",
    "MembersInvalid",
    "Readable",
    "ShrinkNotAllowed",
    "apply_members",
    "read_members",
    "staged_members",
    "staged_numbers",
]
