"""The Sheets and Drive APIs without a network: the stand-ins' own models behind the real clients, with hooks in between."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import gspread
import requests
from intake.cloud.sheets.client import Book
from intake.cloud.sheets.table import SheetTable
from intake.rows import columns
from requests.adapters import BaseAdapter

from infra.local.sheets.api import route
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import SheetsError
from infra.local.sheets.service import Limits, SheetsService

SHEET_ID = "book"


class SheetsAdapter(BaseAdapter):
    """Carries requests to a service; `before` and `after` call a hook once around the next call of a method.

    `around` makes every call: it is given the method and its effect, and returns what that returns.
    """

    def __init__(self, clock: Callable[[], float], limits: Limits) -> None:
        super().__init__()
        self.service = SheetsService(Spreadsheet(SHEET_ID), limits, clock)
        self.calls: Counter[str] = Counter()
        self.before: dict[str, Callable[[], object]] = {}
        self.after: dict[str, Callable[[], object]] = {}
        self.around: Callable[[str, Callable[[], requests.Response]], requests.Response] = lambda _, effect: effect()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        found = route(str(request.method), parts.path)
        assert found is not None, request.url
        method, sheet_id = found
        self.calls[method.name] += 1
        self.calls[method.kind] += 1
        self.before.pop(method.name, lambda: None)()
        asked = json.loads(request.body or "{}")

        def effect() -> requests.Response:
            answer = requests.Response()
            answer.request, answer.url, answer.status_code = request, str(request.url), 200
            try:
                if not self.service.admit(method.kind):
                    raise SheetsError(429, "Quota exceeded")
                body = self.service.run(method, unquote(sheet_id), asked)
            except SheetsError as exc:
                answer.status_code, body = exc.code, exc.body()
            answer._content = json.dumps(body).encode()
            return answer

        answer = self.around(method.name, effect)
        self.after.pop(method.name, lambda: None)()
        return answer

    def close(self) -> None:
        """Nothing is held."""


class OfficeSheet:
    """A spreadsheet, whoever works in it, and the real client's view of it."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0, limits: Limits | None = None) -> None:
        self.wire = SheetsAdapter(clock, limits or Limits(0, 0))
        self._clock = clock

    def book(self) -> Book:
        """Return the spreadsheet as a new process sees it."""
        session = requests.Session()
        session.mount("https://", self.wire)
        return Book(gspread.HTTPClient(auth=None, session=session), SHEET_ID)  # type: ignore[arg-type]

    def table(self, *, copies: bool = True, office_columns: tuple[str, ...] = ("kWh",)) -> SheetTable:
        """Return the table of a new process."""
        return SheetTable(self.book(), "Intakes", columns(copies=copies), office_columns, self._clock)

    def edit(self, *requests_: dict[str, Any]) -> None:
        """Let the office do something, by batchUpdate requests."""
        self.wire.service.edit_requests(list(requests_))

    def type_in(self, title: str, row: int, column: int, text: str) -> None:
        """Let the office type into a cell (from 0)."""
        tab = self.tab(title)
        start = {"sheetId": tab.sheet_id, "rowIndex": row, "columnIndex": column}
        cell = {"userEnteredValue": {"stringValue": text}}
        self.edit({"updateCells": {"start": start, "rows": [{"values": [cell]}], "fields": "userEnteredValue"}})

    def insert_column(self, title: str, place: int, count: int = 1) -> None:
        """Let the office insert columns."""
        sheet_id = self.tab(title).sheet_id
        span = {"sheetId": sheet_id, "dimension": "COLUMNS", "startIndex": place, "endIndex": place + count}
        self.edit({"insertDimension": {"range": span}})

    def sort(self, title: str, column: int, *, descending: bool = False) -> None:
        """Let the office sort all rows below the header."""
        order = "DESCENDING" if descending else "ASCENDING"
        spec = {"dimensionIndex": column, "sortOrder": order}
        grid = {"sheetId": self.tab(title).sheet_id, "startRowIndex": 1}
        self.edit({"sortRange": {"range": grid, "sortSpecs": [spec]}})

    def delete_row(self, title: str, row: int) -> None:
        """Let the office delete a row (from 0)."""
        span = {"sheetId": self.tab(title).sheet_id, "dimension": "ROWS", "startIndex": row, "endIndex": row + 1}
        self.edit({"deleteDimension": {"range": span}})

    def tab(self, title: str) -> Any:
        tab = self.wire.service.book.titled(title)
        assert tab is not None, title
        return tab

    def header(self, title: str = "Intakes") -> list[Any]:
        """Return the cells of the first row."""
        return list(self.tab(title).row(0))

    def rows(self, title: str = "Intakes") -> list[dict[str, Any]]:
        """Return what stands below the header, by the names in it; the first column of a name counts."""
        header = self.header(title)
        return [
            {name: cell for name, cell in reversed(list(zip(header, row, strict=False))) if name}
            for row in self.tab(title).rows[1:]
        ]
