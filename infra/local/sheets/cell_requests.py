"""The requests of batchUpdate that carry cells: appendCells, updateCells, repeatCell, findReplace. Pure.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from infra.local.sheets.a1 import Box
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import invalid, unimplemented
from infra.local.sheets.grid import Tab
from infra.local.sheets.values import Cell, Formula, Incoming, Matrix, number, parse_typed, read_matrix, render

Json = dict[str, Any]
Reply = dict[str, Any]

# The newest formatting requests that are kept per tab.
_KEPT_FORMATTING = 1000
_LONGEST_NUMBER = 30


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


def _set_notes(tab: Tab, request: Json, top: int, left: int) -> None:
    """Set the notes of an updateCells request; only those of the first row are carried out."""
    if "note" not in str(request.get("fields", "")).split(","):
        return
    if top != 0 or len(request.get("rows", [])) > 1:
        raise unimplemented("notes outside of the first row")
    for row in request.get("rows", []):
        for column, cell in enumerate(row.get("values", []), start=left):
            tab.set_looks(column, replace(tab.looks_of(column), note=str(cell.get("note", ""))))


def _set_format(tab: Tab, request: Json) -> None:
    """Take over the number format of a repeatCell request for whole columns; see `formats`."""
    grid_range = request.get("range", {})
    form = request.get("cell", {}).get("userEnteredFormat", {}).get("numberFormat")
    if form is None or "numberFormat" not in str(request.get("fields", "")):
        return
    if grid_range.get("startRowIndex", 0) != 0 or "endRowIndex" in grid_range:
        return
    box = grid_box(tab, grid_range)
    for column in range(box.left, box.right):
        looks = replace(tab.looks_of(column), type=str(form.get("type", "")), pattern=str(form.get("pattern", "")))
        tab.set_looks(column, looks)


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
    _set_notes(tab, request, box.top, box.left)
    return {}


def repeat_cell(book: Spreadsheet, request: Json) -> Reply:
    """Carry out RepeatCellRequest; without userEnteredValue among its fields it only changes looks."""
    grid_range = request.get("range", {})
    tab = book.tab(int(grid_range.get("sheetId", 0)))
    if not _touches_values(request):
        keep_formatting(tab, "repeatCell", request)
        _set_format(tab, request)
        return {}
    box = grid_box(tab, grid_range)
    tab.require_inside(box)
    value = _extended_value(request.get("cell", {}), "cell")
    tab.write(box.top, box.left, [[value] * (box.right - box.left)] * (box.bottom - box.top))
    return {}


def find_replace(book: Spreadsheet, request: Json) -> Reply:
    """Carry out FindReplaceRequest; what takes the place of a text is read as if it were typed.

    The reply counts cells, rows, sheets and occurrences; zeros are left out, as proto3's JSON does:
    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/response#FindReplaceResponse
    """
    wanted = str(request.get("find", ""))
    if not wanted:
        raise invalid("The find string cannot be empty.")
    if request.get("searchByRegex"):
        raise unimplemented("findReplace by regular expression")
    changed = {"valuesChanged": 0, "formulasChanged": 0, "rowsChanged": 0, "sheetsChanged": 0, "occurrencesChanged": 0}
    # No number or date is shown as long as that, so cells can be compared as they are held: quick in a large sheet.
    whole_texts = len(wanted) > _LONGEST_NUMBER and request.get("matchCase") and request.get("matchEntireCell")
    for tab, box in _searched(book, request):
        rows = set()
        for row in range(box.top, min(box.bottom, len(tab.rows))):
            if whole_texts and wanted not in tab.rows[row]:
                continue
            for column in range(box.left, min(box.right, len(tab.row(row)))):
                cell = tab.row(row)[column]
                found = _replaced(cell, tab, column, wanted, request)
                if found is not None:
                    text, occurrences = found
                    tab.write(row, column, [[parse_typed(text)]])
                    rows.add(row)
                    changed["valuesChanged"] += 1
                    changed["occurrencesChanged"] += occurrences
        changed["rowsChanged"] += len(rows)
        changed["sheetsChanged"] += bool(rows)
    return {"findReplace": {name: count for name, count in changed.items() if count}}


def _searched(book: Spreadsheet, request: Json) -> list[tuple[Tab, Box]]:
    """Return where to look: the oneof `scope` of FindReplaceRequest."""
    scopes = [name for name in ("range", "sheetId", "allSheets") if name in request]
    if len(scopes) != 1:
        raise invalid("Exactly one of range, sheetId and allSheets must be set.")
    if "range" in request:
        tab = book.tab(int(request["range"].get("sheetId", 0)))
        return [(tab, grid_box(tab, request["range"]))]
    tabs = [book.tab(int(request["sheetId"]))] if "sheetId" in request else book.tabs
    return [(tab, Box(0, 0, tab.row_count, tab.column_count)) for tab in tabs]


def _replaced(cell: Cell, tab: Tab, column: int, wanted: str, request: Json) -> tuple[str, int] | None:
    """Return the text that takes the place of a cell's, and how often it was found; None where it was not."""
    if cell is None or (isinstance(cell, Formula) and not request.get("includeFormulas")):
        return None
    text = str(render(cell, "FORMATTED_VALUE", looks=tab.looks_of(column)))
    replacement = str(request.get("replacement", ""))
    fold = (lambda s: s) if request.get("matchCase") else str.casefold
    if request.get("matchEntireCell"):
        return (replacement, 1) if fold(text) == fold(wanted) else None
    flags = 0 if request.get("matchCase") else re.IGNORECASE
    new, count = re.subn(re.escape(wanted), lambda _: replacement, text, flags=flags)
    return (new, count) if count else None
