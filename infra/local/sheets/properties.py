"""Sheet properties (title, place, size, looks) and partial answers by field mask. Pure.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/sheets#SheetProperties
"""

from __future__ import annotations

import re
from typing import Any

from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import invalid
from infra.local.sheets.grid import Tab

_LOOKS = frozenset({"hidden", "tabColor", "tabColorStyle", "rightToLeft"})
_GRID_LOOKS = frozenset(
    {
        "frozenRowCount",
        "frozenColumnCount",
        "hideGridlines",
        "rowGroupControlAfter",
        "columnGroupControlAfter",
    }
)


def sheet_properties(book: Spreadsheet, tab: Tab) -> dict[str, Any]:
    """Return a tab's SheetProperties as spreadsheets.get shows them."""
    looks = dict(tab.properties)
    grid = {"rowCount": tab.row_count, "columnCount": tab.column_count, **looks.pop("gridProperties", {})}
    return {
        "sheetId": tab.sheet_id,
        "title": tab.title,
        "index": book.tabs.index(tab),
        "sheetType": "GRID",
        "gridProperties": grid,
        **looks,
    }


def spreadsheet_json(book: Spreadsheet, base_url: str) -> dict[str, Any]:
    """Return the Spreadsheet resource without cell data.

    https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets#Spreadsheet
    """
    properties = {
        "title": book.title,
        "locale": "en_US",
        "autoRecalc": "ON_CHANGE",
        "timeZone": "America/New_York",
    }
    sheets = []
    for tab in book.tabs:
        sheet: dict[str, Any] = {"properties": sheet_properties(book, tab)}
        for request in tab.formatting:
            if "setBasicFilter" in request:
                sheet["basicFilter"] = request["setBasicFilter"].get("filter", {})
            elif "clearBasicFilter" in request:
                sheet.pop("basicFilter", None)
        sheets.append(sheet)
    return {
        "spreadsheetId": book.spreadsheet_id,
        "properties": properties,
        "sheets": sheets,
        "spreadsheetUrl": f"{base_url}/spreadsheets/d/{book.spreadsheet_id}/edit",
    }


def update_properties(book: Spreadsheet, tab: Tab, wanted: dict[str, Any], fields: str) -> None:
    """Set the properties that a field mask names; a named one without a value goes back to its default.

    Raises:
        SheetsError: 400 for an empty mask, an unknown field or a value that cannot be.
    """
    paths = [path.strip().replace("/", ".") for path in fields.split(",") if path.strip()]
    if not paths:
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    for path in paths:
        if path == "*":
            names = [name for name in wanted if name not in ("sheetId", "sheetType")]
        elif path == "gridProperties":
            names = ["gridProperties"]
        else:
            names = [path]
        for name in names:
            if name == "gridProperties":
                for part in wanted.get("gridProperties", {}):
                    _set_grid_property(tab, wanted, part)
            elif name.startswith("gridProperties."):
                _set_grid_property(tab, wanted, name.removeprefix("gridProperties."))
            else:
                _set_property(book, tab, wanted, name)


def _set_grid_property(tab: Tab, wanted: dict[str, Any], name: str) -> None:
    value = wanted.get("gridProperties", {}).get(name)
    if name == "rowCount":
        tab.resize(int(value or 0), tab.column_count)
    elif name == "columnCount":
        tab.resize(tab.row_count, int(value or 0))
    elif name in _GRID_LOOKS:
        tab.properties.setdefault("gridProperties", {})
        _set_or_drop(tab.properties["gridProperties"], name, value)
    else:
        raise invalid(f"Invalid field: gridProperties.{name}")


def _set_property(book: Spreadsheet, tab: Tab, wanted: dict[str, Any], path: str) -> None:
    name = path.partition(".")[0]
    if path == "title":
        title = str(wanted.get("title", ""))
        if not title:
            raise invalid("A sheet name cannot be empty.")
        if title != tab.title:
            book.require_free_title(title)
        tab.title = title
    elif path == "index":
        _move_tab(book, tab, int(wanted.get("index", 0)))
    elif name in _LOOKS:
        _set_or_drop(tab.properties, name, wanted.get(name))
    else:
        raise invalid(f"Invalid field: {path}")


def _set_or_drop(properties: dict[str, Any], name: str, value: object) -> None:
    if value is None or value is False or value == 0:
        properties.pop(name, None)
    else:
        properties[name] = value


def _move_tab(book: Spreadsheet, tab: Tab, index: int) -> None:
    """Move a tab to an index counted before the move, as the API's documentation of `index` has it."""
    current = book.tabs.index(tab)
    if not 0 <= index <= len(book.tabs):
        raise invalid(f"The index {index} is beyond the {len(book.tabs)} sheets of the spreadsheet.")
    if index in (current, current + 1):
        return
    book.tabs.remove(tab)
    book.tabs.insert(index - 1 if index > current else index, tab)


_MASK_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[(),./*]")

Mask = dict[str, "Mask"]


def parse_mask(fields: str) -> Mask:
    """Return a field mask such as `sheets(properties(title,sheetId)),spreadsheetId` or `a.b` as nested names.

    An empty inner mask selects all below it.
    https://developers.google.com/workspace/sheets/api/guides/field-masks

    Raises:
        SheetsError: 400 when the mask cannot be read.
    """
    tokens = _MASK_TOKEN.findall(fields)
    if "".join(tokens) != fields.replace(" ", ""):
        raise invalid(f"Error expanding 'fields' parameter: {fields!r} cannot be read.")
    mask, rest = _mask_list(tokens)
    if rest:
        raise invalid(f"Error expanding 'fields' parameter: {fields!r} cannot be read.")
    return mask


def _mask_list(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while tokens:
        name, *tokens = tokens
        if name in "(),./":
            raise invalid(f"Error expanding 'fields' parameter: unexpected {name!r}.")
        here = mask.setdefault(name, {})
        while tokens and tokens[0] in "./":
            if len(tokens) < 2 or tokens[1] in "(),./":
                raise invalid("Error expanding 'fields' parameter: a name is expected after '/'.")
            here = here.setdefault(tokens[1], {})
            tokens = tokens[2:]
        if tokens and tokens[0] == "(":
            inner, tokens = _mask_list(tokens[1:])
            if not tokens or tokens[0] != ")":
                raise invalid("Error expanding 'fields' parameter: ')' is missing.")
            here.update(inner)
            tokens = tokens[1:]
        if not tokens or tokens[0] != ",":
            break
        tokens = tokens[1:]
    return mask, tokens


def select(node: Any, mask: Mask) -> Any:
    """Return the part of a JSON value that a mask names."""
    if not mask or "*" in mask:
        return node
    if isinstance(node, list):
        return [select(item, mask) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: select(node[name], inner) for name, inner in mask.items() if name in node}
