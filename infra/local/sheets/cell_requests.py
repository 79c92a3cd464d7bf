"""The requests of batchUpdate that carry cells: appendCells, updateCells, repeatCell. Pure.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from __future__ import annotations

from typing import Any

from infra.local.sheets.a1 import Box
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import invalid
from infra.local.sheets.grid import Tab
from infra.local.sheets.values import Incoming, Matrix, number, parse_typed, read_matrix

Json = dict[str, Any]
Reply = dict[str, Any]

# The newest formatting requests that are kept per tab.
_KEPT_FORMATTING = 1000


def grid_box(tab: Tab, grid_range: Json) -> Box:
    """Return the box of a GridRange; ends left out reach to the edge of the grid."""
    box = Box(
        int(grid_range.get("startRowIndex", 0)),
        int(grid_range.get("startColumnIndex", 0)),
        int(grid_range.get("endRowIndex", tab.row_count)),
        int(grid_range.get("endColumnIndex", tab.column_count)),
    )
    if not (0 <= box.top <= box.bottom and 0 <= box.left <= box.right):
        raise invalid("GridRange: start indices must not be negative nor lie behind the end indices.")
    return box


def keep_formatting(tab: Tab, kind: str, request: Json) -> None:
    """Keep a request that changes looks only; it has no effect."""
    tab.formatting.append({kind: request})
    del tab.formatting[:-_KEPT_FORMATTING]


def _extended_value(cell: Json, where: str) -> Incoming:
    """Return the content of a CellData; one without a userEnteredValue empties the cell.

    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/other#ExtendedValue
    """
    value = cell.get("userEnteredValue", {})
    if "formulaValue" in value:
        return parse_typed(value["formulaValue"])
    if "numberValue" in value:
        return number(value["numberValue"])
    plain = value.get("stringValue", value.get("boolValue"))
    return None if plain is None else read_matrix([[plain]], "RAW", "ROWS", where)[0][0]


def _cell_rows(request: Json) -> Matrix:
    return [
        [_extended_value(cell, f"rows[{r}].values[{c}]") for c, cell in enumerate(row.get("values", []))]
        for r, row in enumerate(request.get("rows", []))
    ]


def _touches_values(request: Json) -> bool:
    fields = str(request.get("fields", ""))
    if not fields:
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    return any(path.strip() in ("*", "userEnteredValue") for path in fields.split(","))


def append_cells(book: Spreadsheet, request: Json) -> Reply:
    """Carry out AppendCellsRequest: cells go below the last row of the sheet that holds anything."""
    tab = book.tab(int(request.get("sheetId", 0)))
    matrix = _cell_rows(request)
    width = max(map(len, matrix), default=0)
    if width > tab.column_count:
        last = tab.column_count - 1
        raise invalid(f"Attempting to write column: {last + 1}, beyond the last requested column of: {last}")
    if _touches_values(request):
        top = len(tab.rows)
        tab.resize(max(tab.row_count, top + len(matrix)), tab.column_count)
        tab.write(top, 0, matrix)
    return {}


def update_cells(book: Spreadsheet, request: Json) -> Reply:
    """Carry out UpdateCellsRequest; without userEnteredValue among its fields it only changes looks."""
    place = request.get("range") or request.get("start") or {}
    tab = book.tab(int(place.get("sheetId", 0)))
    if not _touches_values(request):
        keep_formatting(tab, "updateCells", request)
        return {}
    matrix = _cell_rows(request)
    if "range" in request:
        box = grid_box(tab, place)
        if len(matrix) > box.bottom - box.top or max(map(len, matrix), default=0) > box.right - box.left:
            raise invalid("updateCells: more cells are given than the range holds.")
        tab.require_inside(box)
        tab.clear(box)
    else:
        top, left = int(place.get("rowIndex", 0)), int(place.get("columnIndex", 0))
        box = Box(top, left, top + len(matrix), left + max(map(len, matrix), default=0))
        tab.require_inside(box)
    tab.write(box.top, box.left, matrix)
    return {}


def repeat_cell(book: Spreadsheet, request: Json) -> Reply:
    """Carry out RepeatCellRequest; without userEnteredValue among its fields it only changes looks."""
    grid_range = request.get("range", {})
    tab = book.tab(int(grid_range.get("sheetId", 0)))
    if not _touches_values(request):
        keep_formatting(tab, "repeatCell", request)
        return {}
    box = grid_box(tab, grid_range)
    tab.require_inside(box)
    value = _extended_value(request.get("cell", {}), "cell")
    tab.write(box.top, box.left, [[value] * (box.right - box.left)] * (box.bottom - box.top))
    return {}
