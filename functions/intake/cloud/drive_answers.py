"""What Google Drive answers: how far an upload is, and what a failure means for whoever runs this."""

from __future__ import annotations

from typing import Any

import requests

from intake.errors import DriveUnavailable


def received(answer: requests.Response) -> int:
    """Return how many bytes an upload has: "308 Resume Incomplete" says it as `Range: bytes=0-LAST`, or not at all for 0."""
    given = answer.headers.get("Range")
    return int(given.rpartition("-")[2]) + 1 if given else 0


def checked(answer: requests.Response, *, resuming: bool = False) -> requests.Response:
    """Return an answer that is no failure, or raise what it means for whoever runs this."""
    if answer.ok and (resuming or answer.status_code != requests.codes.permanent_redirect):
        return answer
    raise DriveUnavailable(_sentence(answer))


def _sentence(answer: requests.Response) -> str:
    """Return what to do about a failure, by the reasons of the guide.

    https://developers.google.com/workspace/drive/api/guides/handle-errors
    """
    reason = _reason(answer)
    if reason in ("userRateLimitExceeded", "rateLimitExceeded") or answer.status_code == 429:
        what = "Drive's quota is used up for the moment."
    elif reason == "storageQuotaExceeded":
        what = "DRIVE_FOLDER is not in a Shared Drive: a service account has no storage of its own."
    elif answer.status_code == 404:
        what = (
            "There is no folder with the id in DRIVE_FOLDER, or it is not shared with the service account of `record`."
        )
    elif answer.status_code in (401, 403):
        what = "Make the service account of `record` a content manager of the Shared Drive in DRIVE_FOLDER."
    else:
        what = ""
    said = f"Google Drive answered {answer.status_code}{f' ({reason})' if reason else ''}. {what}"
    return f"{said.strip()} The copy will be made again."


def _reason(answer: requests.Response) -> str:
    try:
        error: Any = answer.json()["error"]["errors"][0]["reason"]
    except (ValueError, KeyError, IndexError, TypeError):
        return ""
    return str(error) if str(error).isalnum() else ""
