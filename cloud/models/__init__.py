"""The cloud's books: members, server accounts, the people they are, and the licenses they consume."""

from cloud.models.books import DomainChallenge, Ledger, UsagePoint, VerifiedDomain
from cloud.models.changes import PersonChange, ReasonCount, Revision
from cloud.models.installations import AppToken, Channel, ConnectCode, Installation, InstallationPoint, ReceiptSigner
from cloud.models.intakes import Intake, IntakePart
from cloud.models.members import Member, MemberAddress, MemberLink, MemberRole
from cloud.models.people import ConsumedLicense, ServerAccount
from cloud.models.reasons import ADDING, REMOVING, UNCHANGED, Reason
from cloud.models.statements import Statement
from cloud.models.suspects import Saving, Suspect, SuspectRun

__all__ = [
    "ADDING",
    "REMOVING",
    "UNCHANGED",
    "AppToken",
    "Channel",
    "ConnectCode",
    "ConsumedLicense",
    "DomainChallenge",
    "Installation",
    "InstallationPoint",
    "Intake",
    "IntakePart",
    "Ledger",
    "Member",
    "MemberAddress",
    "MemberLink",
    "MemberRole",
    "PersonChange",
    "Reason",
    "ReasonCount",
    "ReceiptSigner",
    "Revision",
    "Saving",
    "ServerAccount",
    "Statement",
    "Suspect",
    "SuspectRun",
    "UsagePoint",
    "VerifiedDomain",
]
