"""The tables of the enterprises app, under one name."""

from enterprises.models.keys import ApiToken, ApiTokenQuerySet, Scope, SetupCode, SignInLink
from enterprises.models.notices import Notice, NoticeMail
from enterprises.models.people import (
    Deployment,
    Enterprise,
    EnterpriseQuerySet,
    Kind,
    Role,
    RoleName,
    Theme,
    User,
    validate_slug,
)
from enterprises.models.records import AuditEvent, StagedUpload, StagedUploadPiece

__all__ = [
    "ApiToken",
    "ApiTokenQuerySet",
    "AuditEvent",
    "Deployment",
    "Enterprise",
    "EnterpriseQuerySet",
    "Kind",
    "Notice",
    "NoticeMail",
    "Role",
    "RoleName",
    "Scope",
    "SetupCode",
    "SignInLink",
    "StagedUpload",
    "StagedUploadPiece",
    "Theme",
    "User",
    "validate_slug",
]
