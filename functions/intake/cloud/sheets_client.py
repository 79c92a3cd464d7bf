"""How Google Sheets is reached and how its failures are said: shared by the ledger and the office's lists."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import google.auth
import gspread
import requests
from google.auth import exceptions as auth_exceptions
from gspread.exceptions import APIError, GSpreadException

from intake.errors import SheetSilent, SheetUnavailable
from intake.settings import Settings

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
GOOGLE_ENDPOINT = "https://sheets.googleapis.com"
CALL_TIMEOUT_S = 20.0
"""Opening the tab, reading and appending together stay within half of the turn's lease; see `ledger`."""

Json = dict[str, Any]
P = ParamSpec("P")
R = TypeVar("R")


def wrapped(method: Callable[P, R]) -> Callable[P, R]:
    """Turn every way in which a call to the Sheet can fail into our error, saying what Google answered."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except APIError as exc:
            raise SheetUnavailable(_sentence(exc.response.status_code)) from exc
        except requests.RequestException as exc:
            raise SheetSilent from exc
        except (GSpreadException, auth_exceptions.GoogleAuthError, PermissionError) as exc:
            raise SheetUnavailable from exc

    return call


def _sentence(status: int) -> str:
    reasons = {
        403: "Google answered 403: share the Sheet with the service account of the function, as an editor.",
        404: "Google answered 404: there is no spreadsheet with the id in SHEET_ID.",
        429: "Google answered 429: the quota of 60 writes and 60 reads a minute is used up.",
    }
    return f"The Google Sheet could not be used. {reasons.get(status, f'Google answered {status}.')} It is tried again."


class _EndpointClient(gspread.HTTPClient):
    """gspread's client, sent to another base URL: gspread has no setting for it."""

    endpoint = GOOGLE_ENDPOINT

    def request(self, method: str, endpoint: str, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(method, endpoint.replace(GOOGLE_ENDPOINT, self.endpoint, 1), *args, **kwargs)


def client_for(settings: Settings) -> gspread.HTTPClient:
    """Return a client for the Sheets API that the settings name; nothing is called yet.

    Raises:
        google.auth.exceptions.DefaultCredentialsError: There are no Google credentials and no stand-in is named.
    """
    if settings.sheets_endpoint:
        client = _EndpointClient(auth=None, session=requests.Session())  # type: ignore[arg-type]
        client.endpoint = settings.sheets_endpoint
    else:
        credentials, _ = google.auth.default(scopes=[SCOPE])
        client = _EndpointClient(auth=credentials)
    client.set_timeout(CALL_TIMEOUT_S)
    return client


class Book:
    """A spreadsheet: its tabs, and requests that are carried out together or not at all.

    Args:
        client: A gspread HTTP client.
        sheet_id: Id of the spreadsheet.
    """

    def __init__(self, client: gspread.HTTPClient, sheet_id: str) -> None:
        self.client = client
        self.id = sheet_id

    def tabs(self) -> list[Json]:
        """Return the SheetProperties of every tab, in one read."""
        params: dict[str, Any] = {"fields": "sheets.properties(sheetId,title,gridProperties)"}
        found = self.client.fetch_sheet_metadata(self.id, params)
        return [sheet["properties"] for sheet in found["sheets"]]

    def tab(self, title: str, among: Sequence[Json]) -> gspread.Worksheet | None:
        """Return a tab by its title, or, when the office has renamed it, by the id that `new_tab_id` gave it."""
        by_title = [each for each in among if each["title"] == title]
        found = by_title or [each for each in among if each["sheetId"] == new_tab_id(title)]
        if not found:
            return None
        # gspread's Spreadsheet would read the metadata once more, and its tabs only keep it for old callers.
        return gspread.Worksheet(None, found[0], self.id, self.client)  # type: ignore[arg-type]

    def change(self, requests_: Sequence[Json]) -> list[Json]:
        """Carry out batchUpdate requests in one write, all or none, and return their replies."""
        answer = self.client.batch_update(self.id, {"requests": list(requests_)})
        return list(answer["replies"])


def new_tab_id(title: str) -> int:
    """Return the sheetId that a tab is made with.

    Always the same, so that the tab is found again after it was renamed, and two processes that make it at the same time
    cannot both succeed.
    """
    return zlib.crc32(title.encode()) & 0x7FFF_FFFF
