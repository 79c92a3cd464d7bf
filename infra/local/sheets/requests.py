"""The requests of spreadsheets:batchUpdate, applied to a copy of the spreadsheet. Pure.

Schema: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
Three kinds of request are told apart, so that nothing is ever accepted and lost in silence:
what changes data is carried out; what changes looks only is kept with the tab, without effect;
what changes data in ways not built here is answered 501. Any other name is Google's 400.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.cell_requests import (
    append_cells,
    find_replace,
    grid_box,
    keep_formatting,
    repeat_cell,
    update_cells,
)
from infra.local.sheets.errors import SheetsError, bad_field, invalid, unimplemented
from infra.local.sheets.grid import NEW_COLUMNS, NEW_ROWS, Dimension, Tab
from infra.local.sheets.kinds import FORMATTING, UNSUPPORTED
from infra.local.sheets.properties import sheet_properties, update_properties

Json = dict[str, Any]
Reply = dict[str, Any]


def _dimension_range(book: Spreadsheet, request: Json) -> tuple[Tab, Dimension, int, int]:
    tab = book.tab(int(request.get("sheetId", 0)))
    dimension = request.get("dimension")
    if dimension not in ("ROWS", "COLUMNS"):
        raise invalid("No dimension specified: ROWS or COLUMNS is expected.")
    start = int(request.get("startIndex", 0))
    end = int(request.get("endIndex", tab.count(dimension)))
    if not 0 <= start < end:
        raise invalid(f"range.endIndex[{end}] must be greater than range.startIndex[{start}].")
    return tab, dimension, start, end


def _add_sheet(book: Spreadsheet, request: Json) -> Reply:
    wanted = request.get("properties", {})
    sheet_id = wanted.get("sheetId")
    if sheet_id is None:
        sheet_id = max(tab.sheet_id for tab in book.tabs) + 1
    elif any(tab.sheet_id == sheet_id for tab in book.tabs):
        raise invalid(f"A sheet with the ID {sheet_id} already exists. Please enter another ID.")
    title = wanted.get("title") or _free_title(book)
    book.require_free_title(title)
    grid = wanted.get("gridProperties", {})
    tab = Tab(int(sheet_id), title)
    tab.resize(int(grid.get("rowCount", NEW_ROWS)), int(grid.get("columnCount", NEW_COLUMNS)))
    if "gridProperties" in wanted:
        update_properties(book, tab, wanted, "gridProperties")
    book.tabs.insert(int(wanted.get("index", len(book.tabs))), tab)
    return {"addSheet": {"properties": sheet_properties(book, tab)}}


def _free_title(book: Spreadsheet) -> str:
    number_ = len(book.tabs) + 1
    while book.titled(f"Sheet{number_}"):
        number_ += 1
    return f"Sheet{number_}"


def _delete_sheet(book: Spreadsheet, request: Json) -> Reply:
    tab = book.tab(int(request.get("sheetId", 0)))
    if len(book.tabs) == 1:
        raise invalid("You can't remove all the sheets in a document.")
    book.tabs.remove(tab)
    return {}


def _duplicate_sheet(book: Spreadsheet, request: Json) -> Reply:
    source = book.tab(int(request.get("sourceSheetId", 0)))
    twin = source.copy()
    new_id = request.get("newSheetId")
    twin.sheet_id = max(tab.sheet_id for tab in book.tabs) + 1 if new_id is None else int(new_id)
    if any(tab.sheet_id == twin.sheet_id for tab in book.tabs):
        raise invalid(f"A sheet with the ID {twin.sheet_id} already exists. Please enter another ID.")
    twin.title = request.get("newSheetName") or f"Copy of {source.title}"
    book.require_free_title(twin.title)
    # "The zero-based index where the new sheet should be inserted"; proto3's default of an int is 0.
    book.tabs.insert(int(request.get("insertSheetIndex") or 0), twin)
    return {"duplicateSheet": {"properties": sheet_properties(book, twin)}}


def _update_sheet_properties(book: Spreadsheet, request: Json) -> Reply:
    wanted = request.get("properties", {})
    update_properties(book, book.tab(int(wanted.get("sheetId", 0))), wanted, request.get("fields", ""))
    return {}


def _update_spreadsheet_properties(book: Spreadsheet, request: Json) -> Reply:
    fields = request.get("fields", "")
    if fields not in ("title", "*"):
        raise unimplemented(f"updateSpreadsheetProperties of {fields!r}")
    book.title = str(request.get("properties", {}).get("title", ""))
    return {}


def _insert_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab, dimension, start, end = _dimension_range(book, request.get("range", {}))
    inherit = bool(request.get("inheritFromBefore", False))
    size = tab.count(dimension)
    if inherit and start == 0:
        raise invalid("inheritFromBefore cannot be true when inserting at index 0.")
    if start > size or (start == size and not inherit):
        raise invalid(
            f"range.startIndex[{start}] must be less than the grid size ({size}) if inheritFromBefore is false."
        )
    tab.insert(dimension, start, end - start, inherit)
    return {}


def _append_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab = book.tab(int(request.get("sheetId", 0)))
    length = int(request.get("length", 0))
    columns = request.get("dimension") == "COLUMNS"
    tab.resize(tab.row_count + length * (not columns), tab.column_count + length * columns)
    return {}


def _delete_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab, dimension, start, end = _dimension_range(book, request.get("range", {}))
    tab.delete(dimension, start, end)
    return {}


def _move_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab, dimension, start, end = _dimension_range(book, request.get("source", {}))
    destination = int(request.get("destinationIndex", 0))
    if max(end, destination) > tab.count(dimension):
        raise invalid(f"moveDimension reaches beyond the grid: it has {tab.count(dimension)} {dimension.lower()}.")
    tab.move(dimension, start, end, destination)
    return {}


def _sort_range(book: Spreadsheet, request: Json) -> Reply:
    grid_range = request.get("range", {})
    tab = book.tab(int(grid_range.get("sheetId", 0)))
    box = grid_box(tab, grid_range)
    tab.require_inside(box)
    keys: list[tuple[int, bool]] = []
    for spec in request.get("sortSpecs", []):
        column = int(spec.get("dimensionIndex", 0))
        if not box.left <= column < box.right:
            raise invalid(f"sortSpecs: the column {column} lies outside of the sorted range.")
        keys.append((column, spec.get("sortOrder") == "DESCENDING"))
    tab.sort(box, keys)
    return {}


def _find_sheet_id(node: object) -> int:
    """Return the sheetId in a formatting request, wherever its kind carries it; 0 is proto3's default."""
    if isinstance(node, dict):
        if "sheetId" in node:
            return int(node["sheetId"])
        node = list(node.values())
    return next((found for child in node if (found := _find_sheet_id(child))), 0) if isinstance(node, list) else 0


_HANDLERS: dict[str, Callable[[Spreadsheet, Json], Reply]] = {
    "addSheet": _add_sheet,
    "appendCells": append_cells,
    "appendDimension": _append_dimension,
    "deleteDimension": _delete_dimension,
    "deleteSheet": _delete_sheet,
    "duplicateSheet": _duplicate_sheet,
    "findReplace": find_replace,
    "insertDimension": _insert_dimension,
    "moveDimension": _move_dimension,
    "repeatCell": repeat_cell,
    "sortRange": _sort_range,
    "updateCells": update_cells,
    "updateSheetProperties": _update_sheet_properties,
    "updateSpreadsheetProperties": _update_spreadsheet_properties,
}


def apply_request(book: Spreadsheet, request: object, index: int) -> Reply:
    """Carry out one request of a batch on the spreadsheet given.

    Args:
        book: Changed in place, possibly before an error: pass a copy.
        request: JSON as received: an object with one key, the kind.
        index: Place in the batch, for messages.

    Returns:
        The reply, empty for most kinds.

    Raises:
        SheetsError: Google's 400, or 501 for a kind that is not built here.
    """
    where = f"requests[{index}]"
    if not isinstance(request, dict) or not request:
        raise invalid(f"Invalid {where}: No request set.")
    kind, *more = request
    for name in request:
        if name not in _HANDLERS and name not in FORMATTING and name not in UNSUPPORTED:
            raise bad_field(
                where,
                f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field.",
            )
    if more:
        raise bad_field(
            where,
            f"Invalid value at '{where}' (oneof), oneof field 'kind' is already set. Cannot set '{more[0]}'",
        )
    if kind in UNSUPPORTED:
        raise unimplemented(kind)
    body = request[kind]
    try:
        if not isinstance(body, dict):
            raise TypeError("an object is expected")
        if kind in FORMATTING:
            keep_formatting(book.tab(_find_sheet_id(body)), kind, body)
            return {}
        return _HANDLERS[kind](book, body)
    except SheetsError as exc:
        if exc.code != 400:
            raise
        raise SheetsError(400, f"Invalid {where}.{kind}: {exc.message}", exc.details) from exc
    except (AttributeError, TypeError, ValueError) as exc:
        raise bad_field(f"{where}.{kind}", f"Invalid value at '{where}.{kind}': {exc}") from exc
