"""Where an uploaded file stands, for pages, the API and commands alike."""

import enum
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.utils.functional import Promise

from cloud.applying import difference_of
from cloud.models import Intake
from cloud.refusals import file_sentence
from wire.messages import Difference
from wire.usage import UsageHeader


class UploadState(enum.StrEnum):
    """What has become of a file; PENDING, SUCCESS and FAILURE are GitHub's words."""

    PENDING = "PENDING"
    READY = "READY"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DISCARDED = "DISCARDED"


class Stage(enum.StrEnum):
    """What is being done with a file that is pending."""

    READING = "reading"
    COMPUTING = "computing"
    APPLYING = "applying"
    OVER = ""


@dataclass(frozen=True, kw_only=True)
class UploadStatus:
    """``progress`` goes from 0 to 1; ``receipt`` is the compact JWS once the file is applied."""

    state: UploadState
    stage: Stage
    progress: float
    code: str
    sentence: str | Promise
    difference: Difference | None
    header: UsageHeader
    taken_at: datetime
    receipt: str

    @property
    def is_active(self) -> bool:
        """Whether it goes on by itself."""
        return self.state is UploadState.PENDING


def status_of(intake: Intake, at: datetime | None = None) -> UploadStatus:
    """Return where a file stands; ``at`` tells a preview that has expired a moment ago."""
    header = msgspec.convert(intake.header, UsageHeader)
    state = _state(intake, at)
    stage = _stage(intake) if state is UploadState.PENDING else Stage.OVER
    code = intake.error_code or ("expired" if state is UploadState.DISCARDED and _has_expired(intake, at) else "")
    return UploadStatus(
        state=state,
        stage=stage,
        progress=_progress(intake, stage),
        code=code,
        sentence=file_sentence(code) if code else "",
        difference=difference_of(intake),
        header=header,
        taken_at=header.taken_at,
        receipt=intake.receipt,
    )


def _state(intake: Intake, at: datetime | None) -> UploadState:
    match intake.state:
        case Intake.State.APPLYING:
            return UploadState.PENDING
        case Intake.State.REFUSED:
            return UploadState.FAILURE
        case Intake.State.APPLIED if intake.kind == Intake.Kind.USAGE:
            return UploadState.SUCCESS
        case Intake.State.APPLIED if not _has_expired(intake, at):
            return UploadState.READY
    return UploadState.DISCARDED


def _has_expired(intake: Intake, at: datetime | None) -> bool:
    return at is not None and intake.expires_at <= at


def _stage(intake: Intake) -> Stage:
    if intake.kind == Intake.Kind.USAGE and (intake.result or not _is_reading(intake)):
        return Stage.APPLYING
    return Stage.READING if _is_reading(intake) else Stage.COMPUTING


def _is_reading(intake: Intake) -> bool:
    return intake.upload_id is not None or intake.accounts_read < intake.opening["accounts"]


def _progress(intake: Intake, stage: Stage) -> float:
    """Reading is half of it where accounts are many; nothing tells how far the rest is."""
    if stage is Stage.OVER:
        return 1.0
    accounts = intake.opening["accounts"]
    if stage is Stage.READING:
        return 0.6 * intake.accounts_read / accounts if accounts else 0.0
    return 0.6 if stage is Stage.COMPUTING else 0.8
