"""Calls to Google Sheets and the meaning of its failures: shared by the table and the office's lists.

A tab is addressed by its id alone, since the office renames tabs:

    values:batchGetByDataFilter  https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/batchGetByDataFilter
    spreadsheets:batchUpdate     https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate
"""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import google.auth
import gspread
import requests
from google.auth import exceptions as auth_exceptions
from gspread.exceptions import APIError, GSpreadException
from gspread.urls import SPREADSHEET_URL

from intake.errors import RowsRefused, SheetBlocked, SheetMoved, SheetUnavailable
from intake.settings import Settings

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
GOOGLE_ENDPOINT = "https://sheets.googleapis.com"
CALL_TIMEOUT_S = 60.0
"""Google works on a request for up to 180 s (https://developers.google.com/workspace/sheets/api/limits). We do not wait that
long; we check afterwards what was written."""
REASON_LENGTH = 200

Json = dict[str, Any]
Cells = list[list[Any]]
P = ParamSpec("P")
R = TypeVar("R")

# Google's wording, from error reports of its client libraries. Any other 400 is blamed on the rows.
_MOVED = re.compile(
    r"no named ?range with|already exists|no grid with id|exceeds grid limits|beyond the last requested", re.IGNORECASE
)
_BLOCKED = re.compile(r"protected cell or object|number of cells in the workbook above", re.IGNORECASE)
_VALUES = re.compile(r"\"[^\"]*\"?|'[^']*'?|\)\s*,.*|[\w.+-]+@[\w.-]+|\S*\d{6,}\S*|https?:\S*", re.DOTALL)


def wrapped(method: Callable[P, R]) -> Callable[P, R]:
    """Turn every failure of a call to the Sheet into one of our errors, with Google's answer."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except APIError as exc:
            raise failure(exc) from exc
        except (GSpreadException, requests.RequestException, auth_exceptions.GoogleAuthError, PermissionError) as exc:
            raise SheetUnavailable from exc

    return call


def reason(message: object) -> str:
    """Return Google's own words without anything that may be a cell's value: quoted text, long numbers, addresses."""
    return " ".join(_VALUES.sub("…", str(message)).split())[:REASON_LENGTH]


def failure(exc: APIError) -> SheetUnavailable:
    """Return what an answer of Google's means."""
    status, message = exc.response.status_code, str(exc.error.get("message", ""))
    said = f"Google answered {status}: {reason(message)}"
    if status == 403:
        what = "Share the Sheet with the function's service account, as an editor, and check that the Sheets API is enabled."
        return SheetBlocked(f"Access to the Google Sheet is denied. {what} {said}")
    if status == 404:
        return SheetBlocked(f"There is no spreadsheet with the id in SHEET_ID. {said}")
    if status == 400 and _BLOCKED.search(message):
        full = "workbook" in message
        what = (
            "The Sheet is full: move older tabs to another Sheet."
            if full
            else "A range of the Sheet is protected: let the service account of `record` edit it, or remove the protection."
        )
        return SheetBlocked(f"{what} {said}")
    if status == 400 and _MOVED.search(message):
        return SheetMoved(f"{SheetMoved.message} {said}")
    if status in (400, 413):
        return RowsRefused(f"{RowsRefused.message} {said}")
    return SheetUnavailable(f"The Google Sheet is unavailable. {said} It is tried again.")


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


@dataclass(frozen=True)
class Tab:
    """A tab with cells, as it was when it was looked at.

    Attributes:
        id: Its sheetId, which never changes.
        title: What the office calls it.
        rows: Rows of its grid, filled or not.
        columns: Columns of its grid.
    """

    id: int
    title: str
    rows: int
    columns: int


@dataclass(frozen=True)
class Area:
    """Cells that were read.

    Attributes:
        title: What their tab is called now.
        cells: Rows, or columns where those were asked for, without what is empty at their ends.
    """

    title: str
    cells: Cells


class Book:
    """A spreadsheet: its tabs and named ranges, and requests that are carried out together or not at all.

    Args:
        client: A gspread HTTP client.
        sheet_id: Id of the spreadsheet.
    """

    def __init__(self, client: gspread.HTTPClient, sheet_id: str) -> None:
        self.client = client
        self.id = sheet_id

    def look(self) -> tuple[list[Tab], list[Json]]:
        """Return all tabs that have cells, and all named ranges, in one read."""
        fields = "namedRanges,sheets.properties(sheetId,title,gridProperties)"
        found = self.client.fetch_sheet_metadata(self.id, {"fields": fields})
        properties = [sheet["properties"] for sheet in found.get("sheets", [])]
        tabs = [
            Tab(each["sheetId"], each["title"], grid["rowCount"], grid["columnCount"])
            for each in properties
            if (grid := each.get("gridProperties"))  # a chart that fills a tab has no cells
        ]
        return tabs, found.get("namedRanges", [])

    def read(
        self,
        areas: Sequence[Json],
        *,
        by_columns: bool = False,
        render: str = "UNFORMATTED_VALUE",
        dates: str = "SERIAL_NUMBER",
    ) -> list[Area]:
        """Return the cells of some areas, in one read.

        Args:
            areas: GridRanges, each different.
            by_columns: Return columns instead of rows.
            render: ValueRenderOption: numbers as numbers, or everything as people see it.
            dates: DateTimeRenderOption: day numbers, or as people see them.
        """
        if not areas:
            return []
        body = {
            "dataFilters": [{"gridRange": area} for area in areas],
            "majorDimension": "COLUMNS" if by_columns else "ROWS",
            "valueRenderOption": render,
            "dateTimeRenderOption": dates,
        }
        answer = self.client.request("post", f"{SPREADSHEET_URL % self.id}/values:batchGetByDataFilter", json=body)
        # Their order is not promised, but with each comes what it was asked for by; proto3's JSON may leave zeros out.
        found = {
            _key(data_filter["gridRange"]): each["valueRange"]
            for each in answer.json()["valueRanges"]
            for data_filter in each["dataFilters"]
        }
        return [Area(_title(each["range"]), each.get("values", [])) for each in (found[_key(area)] for area in areas)]

    def change(self, requests_: Sequence[Json]) -> list[Json]:
        """Carry out batchUpdate requests in one write, all or none, and return their replies."""
        answer = self.client.batch_update(self.id, {"requests": list(requests_)})
        return list(answer["replies"])


def _key(area: Json) -> frozenset[tuple[str, int]]:
    return frozenset((name, value) for name, value in area.items() if value)


def _title(a1: str) -> str:
    title = a1.rpartition("!")[0]
    return title[1:-1].replace("''", "'") if title.startswith("'") else title


def new_tab_id(title: str) -> int:
    """Return the sheetId that a tab is made with.

    Always the same, so that the tab is found again after it was renamed, and two processes that make it at the same time
    cannot both succeed.
    """
    return zlib.crc32(title.encode()) & 0x7FFF_FFFF
