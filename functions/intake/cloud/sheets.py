"""Google Sheets through gspread: one row per intake, columns found by the names in the header row."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import google.auth
import gspread
import requests
from google.auth import exceptions as auth_exceptions
from gspread.exceptions import GSpreadException, WorksheetNotFound
from gspread.utils import InsertDataOption, ValueInputOption, ValueRenderOption, rowcol_to_a1

from intake.errors import SheetUnavailable
from intake.settings import Settings

SCOPE = "https://www.googleapis.com/auth/spreadsheets"
GOOGLE_ENDPOINT = "https://sheets.googleapis.com"
CALL_TIMEOUT_S = 20.0
"""Opening the tab, reading and appending together stay within half of the turn's lease; see `ledger`."""
ID_COLUMN = "Intake ID"
NEW_TAB_ROWS = 100

Cell = str | int | float
P = ParamSpec("P")
R = TypeVar("R")


def _wrapped(method: Callable[P, R]) -> Callable[P, R]:
    """Turn every way in which a call to the Sheet can fail into our error, saying what Google answered."""

    @functools.wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except gspread.exceptions.APIError as exc:
            raise SheetUnavailable(_sentence(exc.response.status_code)) from exc
        except (GSpreadException, requests.RequestException, auth_exceptions.GoogleAuthError, PermissionError) as exc:
            raise SheetUnavailable from exc

    return call


def _sentence(status: int) -> str:
    reasons = {
        403: "Google answered 403: share the Sheet with the service account of `record`, as an editor.",
        404: "Google answered 404: there is no spreadsheet with the id in SHEET_ID.",
        429: "Google answered 429: the quota of 60 writes and 60 reads a minute is used up.",
    }
    return f"The Google Sheet could not be used. {reasons.get(status, f'Google answered {status}.')} It is tried again."


class _EndpointClient(gspread.HTTPClient):
    """gspread's client, sent to another base URL: gspread has no setting for it."""

    endpoint = GOOGLE_ENDPOINT

    def request(self, method: str, endpoint: str, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(method, endpoint.replace(GOOGLE_ENDPOINT, self.endpoint, 1), *args, **kwargs)


def open_ledger(settings: Settings) -> Ledger:
    """Return the Sheet that the settings name; nothing is called yet.

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
    return Ledger(client, settings.sheet_id, settings.sheet_tab)


class Ledger:
    """The tab with one row per intake. The office may add, move and sort columns and rows as it likes.

    Args:
        client: A gspread HTTP client.
        sheet_id: Id of the spreadsheet.
        tab: Title of the tab; made when missing.
    """

    def __init__(self, client: gspread.HTTPClient, sheet_id: str, tab: str) -> None:
        self._client = client
        self._sheet_id = sheet_id
        self._tab_title = tab
        self._tab: gspread.Worksheet | None = None

    @_wrapped
    def append(self, rows: Sequence[Mapping[str, Cell]]) -> None:
        """Append rows in one write.

        The header is read each time, because the office may have moved columns since; columns of ours that it lacks
        are added at its right end. Values are written RAW, so nothing that a user typed becomes a formula.

        Args:
            rows: Cells by column name; all rows have the same columns.

        Raises:
            SheetUnavailable: The call failed; the rows may or may not have been written.
        """
        tab = self._open_tab()
        header = self._header(tab, list(rows[0]))
        first = next(index for index, name in enumerate(header) if name)
        table = [[row.get(name, "") for name in header[first:]] for row in rows]
        tab.append_rows(
            table,
            value_input_option=ValueInputOption.raw,
            # The default writes over whatever stands below the first empty row, also over the office's own notes.
            insert_data_option=InsertDataOption.insert_rows,
            # Without the table's own first cell, Google looks for the last table of the tab and rows can drift right.
            table_range=rowcol_to_a1(1, first + 1),
        )

    @_wrapped
    def intake_ids(self) -> set[str]:
        """Return the ids of all rows.

        Raises:
            SheetUnavailable: The call failed.
        """
        tab = self._open_tab()
        header = tab.row_values(1)
        if ID_COLUMN not in header:
            return set()
        return {str(value) for value in tab.col_values(header.index(ID_COLUMN) + 1)[1:] if value}

    @_wrapped
    def find(self, intake_id: str) -> dict[str, Cell] | None:
        """Return the row of an intake by column name, as the Sheet holds it, or None.

        Raises:
            SheetUnavailable: The call failed.
        """
        rows = self._open_tab().get(value_render_option=ValueRenderOption.unformatted)
        if not rows or ID_COLUMN not in rows[0]:
            return None
        column = rows[0].index(ID_COLUMN)
        for row in rows[1:]:
            if len(row) > column and row[column] == intake_id:
                padded = [*row, *[""] * (len(rows[0]) - len(row))]
                return {name: cell for name, cell in zip(rows[0], padded, strict=False) if name}
        return None

    def _open_tab(self) -> gspread.Worksheet:
        if self._tab is None:
            spreadsheet = gspread.Spreadsheet(self._client, {"id": self._sheet_id})
            try:
                self._tab = spreadsheet.worksheet(self._tab_title)
            except WorksheetNotFound:
                self._tab = spreadsheet.add_worksheet(self._tab_title, rows=NEW_TAB_ROWS, cols=26)
        return self._tab

    def _header(self, tab: gspread.Worksheet, columns: list[str]) -> list[str]:
        header: list[str] = [str(name) for name in tab.row_values(1)]
        missing = [name for name in columns if name not in header]
        if missing:
            end = len(header) + len(missing)
            if end > tab.col_count:
                tab.add_cols(end - tab.col_count)
            place = f"{rowcol_to_a1(1, len(header) + 1)}:{rowcol_to_a1(1, end)}"
            tab.update([missing], place, value_input_option=ValueInputOption.raw)
            header += missing
        return header
