"""What Drive refuses, and with which answer: from that, `record` tells the office what to do."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import requests

from infra.check.assumptions import DRIVE, assumption
from infra.check.target import STRANGER, NotHere, Target, Wrong

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from intake.cloud.drive import Drive

TIMEOUT_S = 30
_ERRORS = f"{DRIVE}/handle-errors"


@assumption("cloud/drive_answers.py", _ERRORS)
def drive_missing(target: Target) -> str:
    """Drive answers 404 `notFound` if the folder does not exist."""
    unknown = f"1{secrets.token_hex(16)}"
    with scratch(target, target.person(_scope()), unknown) as (drive, name):
        return _refused(404, "notFound", lambda: drive.make_folder(name, "check"))


@assumption("cloud/drive_answers.py", _ERRORS)
def drive_not_shared(target: Target) -> str:
    """Drive answers 404 `notFound` if the folder is not shared with the account."""
    stranger = target.stranger(_scope())
    with scratch(target, stranger, target.services.settings.drive_folder) as (drive, name):
        return _refused(404, "notFound", lambda: drive.make_folder(name, "check"))


@assumption("cloud/drive_answers.py", _ERRORS)
def drive_read_only(target: Target) -> str:
    """Drive answers 403 `insufficientFilePermissions` if the account can only read the folder."""
    stranger = target.stranger(_scope())
    if target.deployment is None:
        raise NotHere("only on Google Cloud")
    with scratch(target, target.person(_scope()), "root") as (own, name):
        folder = own.make_folder(name, "GreenWatt check")
        reader = {"type": "user", "role": "reader", "emailAddress": target.deployment.account(STRANGER)}
        url = f"{_files(target)}/{folder.id}/permissions?sendNotificationEmail=false"
        _session(target.person(_scope())).post(url, json=reader, timeout=TIMEOUT_S).raise_for_status()
        with scratch(target, stranger, folder.id) as (drive, inside):
            return _refused(403, "insufficientFilePermissions", lambda: drive.make_folder(inside, "check"))


@assumption("cloud/drive_answers.py", "https://developers.google.com/workspace/drive/api/guides/about-shareddrives")
def drive_storage(target: Target) -> str:
    """Drive answers 403 `storageQuotaExceeded` if a service account uploads outside of a Shared Drive."""
    with scratch(target, target.stranger(_scope()) if target.deployment else None, "root") as (drive, name):
        return _refused(
            403, "storageQuotaExceeded", lambda: drive.upload(name, 1, "root", "check", "text/plain", 1, [b"1"])
        )


@contextmanager
def scratch(target: Target, credentials: Credentials | None, folder: str) -> Iterator[tuple[Drive, str]]:
    """Yield our client for a folder, and an unused intake ID; delete what was created under that ID."""
    from intake.cloud.drive import GOOGLE_ENDPOINT, Drive

    settings = target.services.settings
    if not settings.drive_folder:
        raise NotHere("no Drive folder is configured")
    name = secrets.token_hex(16)
    try:
        yield Drive(credentials, folder, settings.drive_endpoint or GOOGLE_ENDPOINT), name
    finally:
        delete_copies(target, credentials, name)


def delete_copies(target: Target, credentials: Credentials | None, intake_id: str) -> int:
    """Move all files and folders of an intake to the trash and return their number."""
    shared = {"supportsAllDrives": "true", "includeItemsFromAllDrives": "true"}
    query = f"appProperties has {{ key='intake_id' and value='{intake_id}' }} and trashed = false"
    params = {**shared, "q": query, "fields": "files(id,mimeType)"}
    session, files = _session(credentials), _files(target)
    answer = session.get(files, params=params, timeout=TIMEOUT_S)
    answer.raise_for_status()
    found = answer.json()["files"]
    for file in sorted(found, key=lambda file: "folder" in file["mimeType"]):
        url = f"{files}/{file['id']}?supportsAllDrives=true"
        session.patch(url, json={"trashed": True}, timeout=TIMEOUT_S).raise_for_status()
    return len(found)


def _session(credentials: Credentials | None) -> requests.Session:
    from google.auth.transport.requests import AuthorizedSession

    return AuthorizedSession(credentials) if credentials else requests.Session()  # type: ignore[no-untyped-call]


def _files(target: Target) -> str:
    from intake.cloud.drive import GOOGLE_ENDPOINT

    return f"{target.services.settings.drive_endpoint or GOOGLE_ENDPOINT}/drive/v3/files"


def _scope() -> str:
    from intake.cloud.drive import SCOPE

    return SCOPE


def _refused(status: int, reason: str, attempt: Callable[[], object]) -> str:
    """Return our client's message about a refusal; Wrong if it is another refusal."""
    from intake.errors import DriveUnavailable

    try:
        attempt()
    except DriveUnavailable as exc:
        if not exc.message.startswith(f"Google Drive answered {status} ({reason})"):
            raise Wrong(exc.message) from exc
        return exc.message
    raise Wrong("it was accepted")
