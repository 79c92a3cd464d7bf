"""The methods of the Sheets API v4 that the functions call, as functions of (spreadsheet, query, body) to JSON. Pure.

Reference: https://developers.google.com/workspace/sheets/api/reference/rest . A method changes the spreadsheet it is given,
possibly before it fails: callers pass a copy and keep it on success, since "if any request is not valid then the entire request
will fail and nothing will be applied" (.../reference/rest/v4/spreadsheets/batchUpdate). Field masks are read and not applied:
more is answered than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from infra.local.sheets.a1 import format_range
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.cell_requests import grid_box
from infra.local.sheets.errors import invalid
from infra.local.sheets.grid import Tab
from infra.local.sheets.requests import apply_request
from infra.local.sheets.values import render

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API: its name in the documentation, the quota it counts against, its function."""

    name: str
    kind: Literal["read", "write"]
    run: Callable[[Spreadsheet, Json], Json]


def sheet_properties(book: Spreadsheet, tab: Tab) -> Json:
    """Return a tab's SheetProperties.

    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/sheets#SheetProperties
    """
    grid = {"rowCount": tab.row_count, "columnCount": tab.column_count, **tab.grid_looks}
    return {"sheetId": tab.sheet_id, "title": tab.title, "index": book.tabs.index(tab), "gridProperties": grid}


def _get(book: Spreadsheet, _: Json) -> Json:
    ranges = [
        {"namedRangeId": each.id, "name": each.name, "range": each.place(book)}
        for each in book.named_ranges
        if not each.broken
    ]
    answer: Json = {
        "spreadsheetId": book.spreadsheet_id,
        "sheets": [{"properties": sheet_properties(book, tab)} for tab in book.tabs],
    }
    return {**answer, "namedRanges": ranges} if ranges else answer


def _batch_update(book: Spreadsheet, body: Json) -> Json:
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise invalid("Must specify at least one request.")
    replies = [apply_request(book, request, index) for index, request in enumerate(requests)]
    return {"spreadsheetId": book.spreadsheet_id, "replies": replies}


def _by_data_filter(book: Spreadsheet, body: Json) -> Json:
    """Carry out values.batchGetByDataFilter for filters by gridRange; trailing empty cells and rows are left out.

    .../reference/rest/v4/spreadsheets.values/batchGetByDataFilter . With each range comes the filter that it matches; which
    order they come in is not said there, so it is turned round here.
    """
    found = []
    for data_filter in body["dataFilters"]:
        tab = book.tab(int(data_filter["gridRange"].get("sheetId", 0)))
        box = grid_box(tab, data_filter["gridRange"])
        if box.top >= tab.row_count or box.left >= tab.column_count:
            raise invalid(
                f"Range ({format_range(tab.title, box)}) exceeds grid limits. "
                f"Max rows: {tab.row_count}, max columns: {tab.column_count}"
            )
        option, dates = (
            body.get("valueRenderOption", "FORMATTED_VALUE"),
            body.get("dateTimeRenderOption", "SERIAL_NUMBER"),
        )
        rows = [
            [render(cell, option, dates, tab.looks_of(column)) for column, cell in enumerate(row, start=box.left)]
            for row in tab.read(box)
        ]
        answer: Json = {"range": format_range(tab.title, box), "majorDimension": body.get("majorDimension", "ROWS")}
        if answer["majorDimension"] == "COLUMNS":
            width = max(map(len, rows), default=0)
            rows = [[row[column] if column < len(row) else "" for row in rows] for column in range(width)]
        if rows:
            answer["values"] = rows
        found.append({"valueRange": answer, "dataFilters": [data_filter]})
    return {"spreadsheetId": book.spreadsheet_id, "valueRanges": found[::-1]}


_ID = r"/v4/spreadsheets/(?P<id>[^/:]+)"
_ROUTES: list[tuple[str, re.Pattern[str], Method]] = [
    ("GET", re.compile(_ID), Method("spreadsheets.get", "read", _get)),
    ("POST", re.compile(_ID + ":batchUpdate"), Method("spreadsheets.batchUpdate", "write", _batch_update)),
    (
        "POST",
        re.compile(_ID + "/values:batchGetByDataFilter"),
        Method("values.batchGetByDataFilter", "read", _by_data_filter),
    ),
]


def route(http_method: str, raw_path: str) -> tuple[Method, str] | None:
    """Return the method and the spreadsheet id, still percent-encoded, that a request line means."""
    for verb, pattern, method in _ROUTES:
        if verb == http_method and (match := pattern.fullmatch(raw_path)):
            return method, match["id"]
    return None
