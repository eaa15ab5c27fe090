"""Usage files: what a server without a line to the cloud sends, from the upload over the preview to the receipt.

Everything below is what pages, the API and commands need; a file that is applied goes the way of a sync.
docs/formats.md, "The usage file".
"""

from cloud.file_parts import Progress
from cloud.refusals import UploadCode
from cloud.usage_files.deciding import apply_upload, discard_upload
from cloud.usage_files.ending import receipt_fingerprint, receipt_fingerprints, receipt_name, receipt_of
from cloud.usage_files.listing import uploads_of
from cloud.usage_files.refused import UnknownServer, UploadRefused
from cloud.usage_files.states import UploadState, UploadStatus, status_of
from cloud.usage_files.uploading import PURPOSE, register, upload, upload_now

__all__ = [
    "PURPOSE",
    "Progress",
    "UnknownServer",
    "UploadCode",
    "UploadRefused",
    "UploadState",
    "UploadStatus",
    "apply_upload",
    "discard_upload",
    "receipt_fingerprint",
    "receipt_fingerprints",
    "receipt_name",
    "receipt_of",
    "register",
    "status_of",
    "upload",
    "upload_now",
    "uploads_of",
]
