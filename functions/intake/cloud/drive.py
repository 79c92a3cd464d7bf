"""Google Drive through its REST API v3: a folder per bill in the office's Shared Drive folder, and its files.

    files.list, files.create    https://developers.google.com/workspace/drive/api/reference/rest/v3/files
    resumable upload            https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
    app properties              https://developers.google.com/workspace/drive/api/guides/properties
    Shared Drives               https://developers.google.com/workspace/drive/api/guides/enable-shareddrives

google-auth's session is all that these few calls need; gspread brings it along. A service account has no storage of its own,
so the folder must be in a Shared Drive.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import google.auth
import requests
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession

from intake.cloud.drive_answers import checked, received
from intake.cloud.failures import failing_as
from intake.errors import DriveUnavailable
from intake.ports import Folder
from intake.settings import MIB, Settings

SCOPE = "https://www.googleapis.com/auth/drive"
"""drive.file would not do: it hides the office's folder, which was not made by us."""
GOOGLE_ENDPOINT = "https://www.googleapis.com"
CALL_TIMEOUT_S = 30.0
CHUNK_BYTES = MIB
"""A multiple of 256 KiB, as the guide to resumable uploads asks for."""
CHUNK_TRIES = 3
_FOLDER = "application/vnd.google-apps.folder"
_INTAKE, _FILE = "intake_id", "file"

# What the network and the credentials can do, and an answer that is none.
_drive_call = failing_as(DriveUnavailable, requests.RequestException, KeyError, ValueError)


def open_drive(settings: Settings) -> Drive:
    """Return the Drive that the settings name; nothing is called yet.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: There are no Google credentials and no stand-in is named.
    """
    if settings.drive_endpoint:
        return Drive(None, settings.drive_folder, settings.drive_endpoint)
    credentials, _ = google.auth.default(scopes=[SCOPE])
    return Drive(credentials, settings.drive_folder)


class Drive:
    """The office's folder.

    Args:
        credentials: Of the service account; None if the server does not ask for them.
        parent: Id of the folder.
        endpoint: Base URL of the API.
    """

    def __init__(self, credentials: Credentials | None, parent: str, endpoint: str = GOOGLE_ENDPOINT) -> None:
        self._credentials = credentials
        self._parent = parent
        self._files = f"{endpoint}/drive/v3/files"
        self._uploads = f"{endpoint}/upload/drive/v3/files"
        self._of_thread = threading.local()  # requests does not promise that threads may share a session

    @_drive_call
    def find(self, intake_id: str) -> tuple[Folder | None, set[int]]:
        """Return what there is of a bill's copy: its folder, and the numbers of the files in it.

        The oldest folder counts, should there ever be two.

        Args:
            intake_id: 32 hex digits.

        Raises:
            DriveUnavailable: Drive did not answer.
        """
        query = f"appProperties has {{ key='{_INTAKE}' and value='{intake_id}' }} and trashed = false"
        params: dict[str, str | int] = {
            "q": query,
            "orderBy": "createdTime",
            "pageSize": 100,
            "fields": "files(id,mimeType,parents,webViewLink,appProperties)",
            "supportsAllDrives": "true",
            "includeItemsFromAllDrives": "true",
        }
        found = checked(self._session.get(self._files, params=params, timeout=CALL_TIMEOUT_S)).json()["files"]
        folder = next((file for file in found if file["mimeType"] == _FOLDER), None)
        if folder is None:
            return None, set()
        inside = [file for file in found if folder["id"] in file.get("parents", []) and file["mimeType"] != _FOLDER]
        return Folder(folder["id"], folder["webViewLink"]), {int(file["appProperties"][_FILE]) for file in inside}

    @_drive_call
    def make_folder(self, intake_id: str, name: str) -> Folder:
        """Make the folder of a bill.

        Raises:
            DriveUnavailable: Drive did not answer; the folder may or may not have been made.
        """
        body = {
            "name": name,
            "mimeType": _FOLDER,
            "parents": [self._parent],
            "appProperties": {_INTAKE: intake_id},
        }
        params = {"supportsAllDrives": "true", "fields": "id,webViewLink"}
        answer = self._session.post(self._files, params=params, json=body, timeout=CALL_TIMEOUT_S)
        made = checked(answer).json()
        return Folder(made["id"], made["webViewLink"])

    @_drive_call
    def upload(
        self,
        intake_id: str,
        number: int,
        folder_id: str,
        name: str,
        content_type: str,
        size: int,
        pieces: Iterable[bytes | memoryview],
    ) -> None:
        """Put a file into a bill's folder; one chunk of it is in memory here.

        Args:
            intake_id: The bill's intake.
            number: 1-based number of the file.
            folder_id: Id of the folder.
            name: Its name there.
            content_type: Its media type.
            size: Its bytes.
            pieces: Those bytes.

        Raises:
            DriveUnavailable: Drive did not answer; the file may or may not be there, but never half of it.
            UpstreamError: The pieces could not be had.
        """
        body = {
            "name": name,
            "parents": [folder_id],
            "appProperties": {_INTAKE: intake_id, _FILE: str(number)},
        }
        params = {"uploadType": "resumable", "supportsAllDrives": "true", "fields": "id"}
        headers = {"X-Upload-Content-Type": content_type, "X-Upload-Content-Length": str(size)}
        begun = self._session.post(self._uploads, params=params, json=body, headers=headers, timeout=CALL_TIMEOUT_S)
        address = checked(begun).headers["Location"]
        start = 0
        for chunk in _chunks(pieces):
            self._send(address, chunk, start, size)
            start += len(chunk)
        if start != size:
            raise DriveUnavailable(f"A file has {start} bytes and should have {size}. The copy will be made again.")

    def _send(self, address: str, chunk: bytes, start: int, size: int) -> None:
        """Send one chunk; after a failure only what Drive says it does not have yet."""
        sent = 0
        for attempt in range(1, CHUNK_TRIES + 1):
            part = chunk[sent:]
            first = start + sent
            span = f"bytes {first}-{first + len(part) - 1}/{size}"
            try:
                answer = self._session.put(
                    address, data=part, headers={"Content-Range": span}, timeout=CALL_TIMEOUT_S, allow_redirects=False
                )
                checked(answer, resuming=True)
            except (requests.RequestException, DriveUnavailable):
                if attempt == CHUNK_TRIES:
                    raise
                answer = self._session.put(
                    address,
                    headers={"Content-Range": f"bytes */{size}"},
                    timeout=CALL_TIMEOUT_S,
                    allow_redirects=False,
                )
                checked(answer, resuming=True)
            if answer.status_code != requests.codes.permanent_redirect:
                return  # all of the file is there
            sent = received(answer) - start
            if sent >= len(chunk):
                return
        raise DriveUnavailable

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._of_thread, "session"):
            self._of_thread.session = (
                AuthorizedSession(self._credentials) if self._credentials else requests.Session()  # type: ignore[no-untyped-call]
            )
        session: requests.Session = self._of_thread.session
        return session


def _chunks(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Cut pieces anew into chunks of CHUNK_BYTES; the last one may be shorter."""
    held = bytearray()
    for piece in pieces:
        for start in range(0, len(piece), CHUNK_BYTES):
            held += piece[start : start + CHUNK_BYTES]
            if len(held) >= CHUNK_BYTES:
                yield bytes(held[:CHUNK_BYTES])
                del held[:CHUNK_BYTES]
    if held:
        yield bytes(held)
