"""The requests of spreadsheets:batchUpdate that the functions make, and what the office does; applied to a copy. Pure.

Schema: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
What changes looks only is kept with the tab, without effect; any other request is answered 501, so that nothing is ever
accepted and lost in silence.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from infra.local.sheets.book import NamedRange, Spreadsheet
from infra.local.sheets.cell_requests import (
    append_cells,
    find_replace,
    grid_box,
    keep_formatting,
    repeat_cell,
    update_cells,
)
from infra.local.sheets.errors import SheetsError, invalid, protected, unimplemented
from infra.local.sheets.grid import NEW_COLUMNS, NEW_ROWS, Dimension, Tab

Json = dict[str, Any]
Reply = dict[str, Any]

FORMATTING = frozenset({"updateDimensionProperties", "setBasicFilter", "addConditionalFormatRule"})
_RANGE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,249}")


def _span(book: Spreadsheet, request: Json) -> tuple[Tab, Dimension, int, int]:
    tab = book.tab(int(request.get("sheetId", 0)))
    start, end = int(request.get("startIndex", 0)), int(request["endIndex"])
    if not 0 <= start < end:
        raise invalid(f"range.endIndex[{end}] must be greater than range.startIndex[{start}].")
    return tab, request["dimension"], start, end


def _add_sheet(book: Spreadsheet, request: Json) -> Reply:
    wanted = request["properties"]
    sheet_id = wanted.get("sheetId", max(tab.sheet_id for tab in book.tabs) + 1)
    if any(tab.sheet_id == sheet_id for tab in book.tabs):
        raise invalid(f"A sheet with the ID {sheet_id} already exists. Please enter another ID.")
    book.require_free_title(wanted["title"])
    grid = dict(wanted.get("gridProperties", {}))
    tab = Tab(int(sheet_id), wanted["title"])
    tab.resize(int(grid.pop("rowCount", NEW_ROWS)), int(grid.pop("columnCount", NEW_COLUMNS)))
    tab.grid_looks = grid
    book.tabs.append(tab)
    return {"addSheet": {"properties": {"sheetId": tab.sheet_id, "title": tab.title}}}


def _delete_sheet(book: Spreadsheet, request: Json) -> Reply:
    tab = book.tab(int(request.get("sheetId", 0)))
    if len(book.tabs) == 1:
        raise invalid("You can't remove all the sheets in a document.")
    book.tabs.remove(tab)
    for each in book.named_ranges:
        each.broken |= each.sheet_id == tab.sheet_id
    return {}


def _duplicate_sheet(book: Spreadsheet, request: Json) -> Reply:
    """Copy a tab with its named ranges, whose names then belong to the copy."""
    source = book.tab(int(request.get("sourceSheetId", 0)))
    twin = source.copy()
    twin.sheet_id = max(tab.sheet_id for tab in book.tabs) + 1
    twin.title = request.get("newSheetName") or f"Copy of {source.title}"
    book.require_free_title(twin.title)
    book.tabs.append(twin)
    book.named_ranges += [
        NamedRange(uuid.uuid4().hex, f"'{twin.title}'!{each.name}", twin.sheet_id, each.left, each.right)
        for each in book.named_ranges
        if each.sheet_id == source.sheet_id and not each.broken
    ]
    return {}


def _update_sheet_properties(book: Spreadsheet, request: Json) -> Reply:
    wanted, fields = request["properties"], request["fields"]
    tab = book.tab(int(wanted.get("sheetId", 0)))
    if fields == "title":
        if wanted["title"] != tab.title:
            book.require_free_title(wanted["title"])
        tab.title = wanted["title"]
    elif fields == "gridProperties.frozenRowCount":
        tab.grid_looks.update(wanted["gridProperties"])
    else:
        raise unimplemented(f"updateSheetProperties of {fields}")
    return {}


def _insert_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab, dimension, start, end = _span(book, request["range"])
    inherit = bool(request.get("inheritFromBefore", False))
    size = tab.count(dimension)
    if inherit and start == 0:
        raise invalid("inheritFromBefore cannot be true when inserting at index 0.")
    if start > size or (start == size and not inherit):
        raise invalid(
            f"range.startIndex[{start}] must be less than the grid size ({size}) if inheritFromBefore is false."
        )
    tab.insert(dimension, start, end - start, inherit)
    if dimension == "COLUMNS":
        book.shift(tab, lambda column: column if column < start else column + end - start)
    return {}


def _append_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab = book.tab(int(request.get("sheetId", 0)))
    length = int(request.get("length", 0))
    columns = request["dimension"] == "COLUMNS"
    tab.resize(tab.row_count + length * (not columns), tab.column_count + length * columns)
    return {}


def _delete_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab, dimension, start, end = _span(book, request["range"])
    tab.delete(dimension, start, end)
    if dimension == "COLUMNS":
        book.shift(tab, lambda column: column if column < start else None if column < end else column - (end - start))
    return {}


def _move_dimension(book: Spreadsheet, request: Json) -> Reply:
    tab, dimension, start, end = _span(book, request["source"])
    destination, size = int(request["destinationIndex"]), tab.count(dimension)
    tab.move(dimension, start, end, destination)
    if dimension == "COLUMNS":
        order = [column for column in range(size) if not start <= column < end]
        at = destination if destination <= start else destination - (end - start)
        order[at:at] = range(start, end)
        book.shift(tab, order.index)
    return {}


def _sort_range(book: Spreadsheet, request: Json) -> Reply:
    tab = book.tab(int(request["range"].get("sheetId", 0)))
    keys = [
        (int(each.get("dimensionIndex", 0)), each.get("sortOrder") == "DESCENDING") for each in request["sortSpecs"]
    ]
    tab.sort(grid_box(tab, request["range"]), keys)
    return {}


def _add_named_range(book: Spreadsheet, request: Json) -> Reply:
    """Add a named range; names and ids are unique.

    The message is from recorded answers. "The namedRangeId field is optional ... It is an error to specify the ID of a range
    that already exists" (.../request#AddNamedRangeRequest). Names: https://support.google.com/docs/answer/63175
    """
    wanted = request["namedRange"]
    name, place = wanted["name"], wanted["range"]
    tab = book.tab(int(place.get("sheetId", 0)))
    if not _RANGE_NAME.fullmatch(name):
        raise invalid(f"The name of a named range is invalid: {name}")
    if any(each.name.casefold() == name.casefold() for each in book.named_ranges):
        raise invalid(f"Cannot add named range with name: {name}, a named range with that name already exists.")
    new = NamedRange(
        wanted.get("namedRangeId") or uuid.uuid4().hex,
        name,
        tab.sheet_id,
        place.get("startColumnIndex"),
        place.get("endColumnIndex"),
    )
    if any(each.id == new.id for each in book.named_ranges):
        raise invalid(f"A named range with id {new.id} already exists.")
    if (new.right or 0) > tab.column_count:
        raise invalid(f"The range exceeds grid limits. Max rows: {tab.row_count}, max columns: {tab.column_count}")
    book.named_ranges.append(new)
    return {"addNamedRange": {"namedRange": {**wanted, "namedRangeId": new.id, "range": new.place(book)}}}


def _delete_named_range(book: Spreadsheet, request: Json) -> Reply:
    """Delete a named range by its id; the message is from recorded answers."""
    found = [each for each in book.named_ranges if each.id == request["namedRangeId"] and not each.broken]
    if not found:
        raise invalid(f"No named range with id: {request['namedRangeId']}")
    book.named_ranges.remove(found[0])
    return {}


_HANDLERS: dict[str, Callable[[Spreadsheet, Json], Reply]] = {
    "addNamedRange": _add_named_range,
    "addSheet": _add_sheet,
    "appendCells": append_cells,
    "appendDimension": _append_dimension,
    "deleteDimension": _delete_dimension,
    "deleteNamedRange": _delete_named_range,
    "deleteSheet": _delete_sheet,
    "duplicateSheet": _duplicate_sheet,
    "findReplace": find_replace,
    "insertDimension": _insert_dimension,
    "moveDimension": _move_dimension,
    "repeatCell": repeat_cell,
    "sortRange": _sort_range,
    "updateCells": update_cells,
    "updateSheetProperties": _update_sheet_properties,
}


def _sheet_id(node: object) -> int:
    """Return the sheetId in a request, wherever its kind carries it; 0 is proto3's default."""
    if isinstance(node, dict):
        if "sheetId" in node:
            return int(node["sheetId"])
        node = list(node.values())
    return next((found for child in node if (found := _sheet_id(child))), 0) if isinstance(node, list) else 0


def apply_request(book: Spreadsheet, request: Json, index: int, *, by_office: bool = False) -> Reply:
    """Carry out one request of a batch on the spreadsheet given.

    Args:
        book: Changed in place, possibly before an error: pass a copy.
        request: An object with one key, the kind.
        index: Place in the batch, for messages.
        by_office: Whether people do it, who may edit what is protected.

    Returns:
        The reply, empty for most kinds.

    Raises:
        SheetsError: Google's 400, or 501 for a kind that is not built here.
    """
    ((kind, body),) = request.items()
    if kind not in _HANDLERS and kind not in FORMATTING:
        raise unimplemented(kind)
    try:
        free = by_office or kind in ("addSheet", "addNamedRange", "deleteNamedRange", "findReplace")
        if not free and book.tab(_sheet_id(body)).protected:
            raise protected()
        if kind in FORMATTING:
            keep_formatting(book.tab(_sheet_id(body)), kind, body)
            return {}
        return _HANDLERS[kind](book, body)
    except SheetsError as exc:
        if exc.code != 400:
            raise
        raise SheetsError(400, f"Invalid requests[{index}].{kind}: {exc.message}", exc.details) from exc
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise invalid(f"Invalid value at 'requests[{index}].{kind}': {exc!r}") from exc
