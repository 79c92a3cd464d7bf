"""What is to be done about a failure of Drive, by Google's reason for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from intake.cloud.drive_answers import checked
from intake.errors import DriveUnavailable


def answer(status: int, body: Any) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    made._content = (body if isinstance(body, str) else json.dumps(body)).encode()
    return made


def of_drive(reason: str) -> dict[str, Any]:
    """Return an error in the form of Drive's API."""
    return {
        "error": {"code": 403, "errors": [{"domain": "global", "reason": reason, "message": "Robin Example's file"}]}
    }


def of_all_apis(reason: str) -> dict[str, Any]:
    """Return an error in the form that all of Google's APIs share, beside Drive's vague one."""
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    return {
        "error": {"code": 403, "errors": [{"reason": "forbidden"}], "status": "PERMISSION_DENIED", "details": [info]}
    }


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (of_drive("storageQuotaExceeded"), "DRIVE_FOLDER is not in a Shared Drive"),
        (of_drive("quotaExceeded"), "The organization's storage is used up"),
        (of_drive("teamDriveFileLimitExceeded"), "name a folder in another one"),
        (of_drive("cannotAddParent"), "DRIVE_FOLDER must be a folder of a Shared Drive"),
        (of_drive("insufficientFilePermissions"), "a content manager of the Shared Drive"),
        (of_drive("insufficientPermissions"), "lacks the scope"),
        (of_all_apis("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "lacks the scope"),
        (of_drive("accessNotConfigured"), "gcloud services enable drive.googleapis.com"),
        (of_all_apis("SERVICE_DISABLED"), "gcloud services enable drive.googleapis.com"),
        (of_drive("userRateLimitExceeded"), "quota is used up for the moment"),
        (of_drive("domainPolicy"), "administrator of Google Workspace"),
        (of_drive("somethingNew"), "answered 403 (somethingNew). Make the service account"),
        ("<html>Forbidden", "a content manager of the Shared Drive"),
        ({"error": "odd"}, "a content manager of the Shared Drive"),
    ],
)
def test_each_403_says_what_to_do(body: Any, what: str) -> None:
    """The sentence goes by the reason; of Google's message, which can hold a name, nothing is said."""
    with pytest.raises(DriveUnavailable) as refusal:
        checked(answer(403, body))
    assert what in refusal.value.message
    assert "Robin" not in refusal.value.message
    assert refusal.value.message.endswith("The copy will be made again.")


@pytest.mark.parametrize("body", [of_drive("forbidden"), of_all_apis("IAM_PERMISSION_DENIED"), {}, ""])
@pytest.mark.parametrize("status", [401, 403])
def test_no_access_says_whom_to_make_what(status: int, body: Any) -> None:
    """The whole sentence: what Google answered, what to do, and that nothing is lost."""
    with pytest.raises(DriveUnavailable) as refusal:
        checked(answer(status, body))
    said, what, *rest = refusal.value.message.split(". ")
    assert said.startswith(f"Google Drive answered {status}")
    assert what == "Make the service account of `record` a content manager of the Shared Drive in DRIVE_FOLDER"
    assert rest == ["The copy will be made again."]
