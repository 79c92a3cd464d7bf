"""The requests of batchUpdate that carry cells: appendCells, updateCells, repeatCell, findReplace. Pure.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from infra.local.sheets.a1 import Box
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import invalid, unimplemented
from infra.local.sheets.grid import Tab
from infra.local.sheets.values import Cell, entered, parse_typed, render

Json = dict[str, Any]
Reply = dict[str, Any]

# The newest formatting requests that are kept per tab.
_KEPT_FORMATTING = 1000
_LONGEST_NUMBER = 30


def grid_box(tab: Tab, grid_range: Json) -> Box:
    """Return the box of a GridRange within the grid; ends left out reach to its edge."""
    return Box(
        int(grid_range.get("startRowIndex", 0)),
        int(grid_range.get("startColumnIndex", 0)),
        min(tab.row_count, int(grid_range.get("endRowIndex", tab.row_count))),
        min(tab.column_count, int(grid_range.get("endColumnIndex", tab.column_count))),
    )


def keep_formatting(tab: Tab, kind: str, request: Json) -> None:
    """Keep a request that changes looks only; it has no effect."""
    tab.formatting.append({kind: request})
    del tab.formatting[:-_KEPT_FORMATTING]


def _cells(request: Json) -> list[list[Cell]]:
    """Return the cells of a request's rows; one without a userEnteredValue is empty. A stringValue is never a formula.

    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/other#ExtendedValue
    """
    return [
        [_cell(cell.get("userEnteredValue", {})) for cell in row.get("values", [])] for row in request.get("rows", [])
    ]


def _cell(value: Json) -> Cell:
    if not value:
        return None
    ((kind, content),) = value.items()
    if kind not in ("stringValue", "numberValue", "boolValue"):
        raise unimplemented(kind)
    return entered(content)


def append_cells(book: Spreadsheet, request: Json) -> Reply:
    """Carry out AppendCellsRequest: cells go below the last row of the sheet that holds anything; rows are added as needed."""
    tab, cells = book.tab(int(request.get("sheetId", 0))), _cells(request)
    width = max(map(len, cells), default=0)
    if width > tab.column_count:
        last = tab.column_count - 1
        raise invalid(f"Attempting to write column: {last + 1}, beyond the last requested column of: {last}")
    if tab.filtered and book.filtered_appends == "lost":
        return {}
    top = len(tab.rows)
    if tab.filtered and book.filtered_appends == "top":
        top = 1
        tab.insert("ROWS", 1, len(cells))
    tab.resize(max(tab.row_count, top + len(cells)), tab.column_count)
    tab.write(top, 0, cells)
    return {}


def update_cells(book: Spreadsheet, request: Json) -> Reply:
    """Carry out UpdateCellsRequest of values and notes from a cell on; of notes only those of the first row."""
    start, cells = request["start"], _cells(request)
    tab = book.tab(int(start.get("sheetId", 0)))
    top, left = int(start.get("rowIndex", 0)), int(start.get("columnIndex", 0))
    tab.require_inside(Box(top, left, top + len(cells), left + max(map(len, cells), default=0)))
    tab.write(top, left, cells)
    if "note" in request["fields"] and top == 0:
        for column, cell in enumerate(request["rows"][0]["values"], start=left):
            tab.set_looks(column, replace(tab.looks_of(column), note=str(cell.get("note", ""))))
    return {}


def repeat_cell(book: Spreadsheet, request: Json) -> Reply:
    """Carry out RepeatCellRequest of a format; a number format for whole columns takes effect, see `formats`."""
    grid_range = request["range"]
    tab = book.tab(int(grid_range.get("sheetId", 0)))
    keep_formatting(tab, "repeatCell", request)
    form = request["cell"]["userEnteredFormat"].get("numberFormat", {})
    box = grid_box(tab, grid_range)
    for column in range(box.left, box.right):
        looks = replace(tab.looks_of(column), type=str(form.get("type", "")), pattern=str(form.get("pattern", "")))
        tab.set_looks(column, looks)
    return {}


def find_replace(book: Spreadsheet, request: Json) -> Reply:
    """Carry out FindReplaceRequest for whole cells, in one tab or all; what takes the place is read as if typed.

    The reply counts cells; zeros are left out, as proto3's JSON does:
    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/response#FindReplaceResponse
    """
    wanted = str(request["find"])
    if not (request.get("matchCase") and request.get("matchEntireCell")):
        raise unimplemented("findReplace for anything but whole cells")
    changed = 0
    for tab in book.tabs if request.get("allSheets") else [book.tab(int(request["sheetId"]))]:
        for number, row in enumerate(tab.rows):
            # No number or date is shown as long as that, so cells can be compared as they are held: quick in a large sheet.
            if len(wanted) > _LONGEST_NUMBER and wanted not in row:
                continue
            for column, cell in enumerate(row):
                if cell is not None and str(render(cell, "FORMATTED_VALUE", looks=tab.looks_of(column))) == wanted:
                    tab.write(number, column, [[parse_typed(str(request["replacement"]))]])
                    changed += 1
    return {"findReplace": {"valuesChanged": changed, "occurrencesChanged": changed} if changed else {}}
