"""Google Drive's answers: how far an upload is, and what a failure means for the operator."""

from __future__ import annotations

from typing import Any

import requests

from intake.errors import DriveUnavailable


def received(answer: requests.Response) -> int:
    """Return how many bytes an upload has: "308 Resume Incomplete" says it as `Range: bytes=0-LAST`, or not at all for 0."""
    given = answer.headers.get("Range")
    return int(given.rpartition("-")[2]) + 1 if given else 0


def checked(answer: requests.Response, *, resuming: bool = False) -> requests.Response:
    """Return an answer that is not a failure, or raise what it means for the operator."""
    if answer.ok and (resuming or answer.status_code != requests.codes.permanent_redirect):
        return answer
    raise DriveUnavailable(_sentence(answer))


_MANAGER = "Make the service account of `record` a content manager of the Shared Drive in DRIVE_FOLDER."
_SCOPE = "The token of `record` lacks the scope https://www.googleapis.com/auth/drive: deploy it again."
_WHAT_TO_DO = {
    "userRateLimitExceeded": "Drive's quota is used up for the moment.",
    "rateLimitExceeded": "Drive's quota is used up for the moment.",
    "dailyLimitExceeded": "Drive's quota for the day is used up: ask for more in the Google Cloud console.",
    "storageQuotaExceeded": "DRIVE_FOLDER is not in a Shared Drive: a service account has no storage of its own.",
    "quotaExceeded": "The organization's storage is used up: delete something in Drive, or buy more.",
    "teamDriveFileLimitExceeded": "The Shared Drive has reached its limit of files: name a folder in another one.",
    "cannotAddParent": "DRIVE_FOLDER must be a folder of a Shared Drive to which the account of `record` may add files.",
    "parentNotAFolder": "The id in DRIVE_FOLDER is not a folder's.",
    "insufficientFilePermissions": _MANAGER,
    "insufficientPermissions": _SCOPE,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": _SCOPE,
    "accessNotConfigured": "The Drive API is not enabled: gcloud services enable drive.googleapis.com",
    "SERVICE_DISABLED": "The Drive API is not enabled: gcloud services enable drive.googleapis.com",
    "domainPolicy": "The administrator of Google Workspace forbids this: ask for permission for the account of `record`.",
}


def _sentence(answer: requests.Response) -> str:
    """Return what to do about a failure, by Google's reason for it.

    https://developers.google.com/workspace/drive/api/guides/handle-errors ; the two in capitals are those of ErrorInfo
    (https://cloud.google.com/apis/design/errors#error_info).
    """
    reason = _reason(answer)
    if reason in _WHAT_TO_DO:
        what = _WHAT_TO_DO[reason]
    elif answer.status_code == 429:
        what = _WHAT_TO_DO["rateLimitExceeded"]
    elif answer.status_code == 404:
        what = (
            "There is no folder with the id in DRIVE_FOLDER, or it is not shared with the service account of `record`."
        )
    elif answer.status_code in (401, 403):
        what = _WHAT_TO_DO["insufficientFilePermissions"]
    else:
        what = ""
    said = f"Google Drive answered {answer.status_code}{f' ({reason})' if reason else ''}. {what}"
    return f"{said.strip()} The copy will be made again."


def _reason(answer: requests.Response) -> str:
    """Return Google's name for a failure, "" where it gives none: in its own form for Drive, or in that of all its APIs."""
    try:
        error: Any = answer.json()["error"]
        named = [*error.get("errors", []), *error.get("details", [])]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    reasons = [str(each.get("reason", "")) for each in named if isinstance(each, dict)]
    known = [reason for reason in reasons if reason in _WHAT_TO_DO]
    return next((reason for reason in known + reasons if reason.replace("_", "").isalnum()), "")
