"""The formats of a new tab: requests of spreadsheets:batchUpdate as plain data, sent once, when the tab is created.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request

The header is bold by a conditional format ("row 1"), not by the format of its cells: Google gives a row that is inserted
below the header the header's format, so the first row of a new Sheet would be bold as well.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from intake.rows import Column, Kind

Json = dict[str, Any]

_GREEN, _BLUE, _AMBER = (
    {"red": 0.85, "green": 0.93, "blue": 0.83},
    {"red": 0.81, "green": 0.89, "blue": 0.95},
    {"red": 1.0, "green": 0.9, "blue": 0.7},
)
_NUMBER_FORMATS = {
    Kind.TEXT: {"type": "TEXT", "pattern": "@"},
    Kind.NUMBER: {"type": "NUMBER", "pattern": "#,##0"},
    Kind.SHARE: {"type": "PERCENT", "pattern": "0%"},
    Kind.DATE: {"type": "DATE", "pattern": "yyyy-mm-dd"},
    Kind.MOMENT: {"type": "DATE_TIME", "pattern": "yyyy-mm-dd hh:mm:ss"},
}
_HIGHLIGHTED = "Attention"
NEW_TAB_ROWS = 100
OFFICE_NOTE = "You can correct this column by hand: it is written once, with the row, and never again."


def add_tab(sheet_id: int, title: str, width: int, rows: int = NEW_TAB_ROWS) -> Json:
    """Return the request that makes a tab whose first row stays in view."""
    grid = {"rowCount": rows, "columnCount": max(width, 26), "frozenRowCount": 1}
    return {"addSheet": {"properties": {"sheetId": sheet_id, "title": title, "gridProperties": grid}}}


def freeze_header(sheet_id: int) -> Json:
    """Return the request that keeps the first row of an existing tab in view."""
    properties = {"sheetId": sheet_id, "gridProperties": {"frozenRowCount": 1}}
    return {"updateSheetProperties": {"properties": properties, "fields": "gridProperties.frozenRowCount"}}


def table_looks(sheet_id: int, columns: Sequence[Column], office_columns: Collection[str]) -> list[Json]:
    """Return the requests that write and format the header of an empty tab with one row per intake.

    Args:
        sheet_id: The tab.
        columns: Its columns from the left.
        office_columns: Names of those that the office corrects by hand; their heads are blue and say so.
    """
    notes = dict.fromkeys(office_columns, OFFICE_NOTE)
    corrected = [_column(sheet_id, place) for place, column in enumerate(columns) if column.name in office_columns]
    rules = [_rule([{"sheetId": sheet_id}], _formula("=ROW()=1"), _GREEN, bold=True)]
    if corrected:
        rules.insert(0, _rule(corrected, _formula("=ROW()=1"), _BLUE, bold=True))
    place = next((place for place, column in enumerate(columns) if column.name == _HIGHLIGHTED), None)
    if place is not None:
        rules.append(_rule([_column(sheet_id, place)], {"type": "NOT_BLANK"}, _AMBER))
    return [
        header_cells(sheet_id, 0, [column.name for column in columns], notes),
        *column_looks(sheet_id, 0, columns),
        {"setBasicFilter": {"filter": {"range": _columns(sheet_id, 0, len(columns))}}},
        *_numbered(rules),
    ]


def list_looks(sheet_id: int, columns: Sequence[Column]) -> list[Json]:
    """Return the requests that format an empty tab with one of the office's lists; its cells are written apart."""
    rule = _rule([{"sheetId": sheet_id}], _formula("=ROW()=1"), _GREEN, bold=True)
    return [*column_looks(sheet_id, 0, columns), *_numbered([rule])]


def added_columns(sheet_id: int, row: int, start: int, columns: Sequence[Column], note: str) -> list[Json]:
    """Return the requests that insert columns into a tab in use: what stands there moves to the right, nothing is lost."""
    place = {"sheetId": sheet_id, "dimension": "COLUMNS", "startIndex": start, "endIndex": start + len(columns)}
    names = [column.name for column in columns]
    return [
        {"insertDimension": {"range": place, "inheritFromBefore": True}},
        header_cells(sheet_id, start, names, dict.fromkeys(names, note), row),
        *column_looks(sheet_id, start, columns),
    ]


def header_cells(sheet_id: int, start: int, names: Sequence[str], notes: dict[str, str], row: int = 0) -> Json:
    """Return the request that writes names into the row of the head, with notes on some."""
    cells = [{"userEnteredValue": {"stringValue": name}, "note": notes.get(name, "")} for name in names]
    place = {"sheetId": sheet_id, "rowIndex": row, "columnIndex": start}
    return {"updateCells": {"start": place, "rows": [{"values": cells}], "fields": "userEnteredValue,note"}}


def column_looks(sheet_id: int, start: int, columns: Sequence[Column]) -> list[Json]:
    """Return the requests that set width, number format and wrapping of whole columns."""
    requests: list[Json] = []
    for place, column in enumerate(columns, start):
        wrap = "WRAP" if column.name == _HIGHLIGHTED else "CLIP"
        looks: Json = {"wrapStrategy": wrap, "verticalAlignment": "TOP"}
        if column.kind in _NUMBER_FORMATS:  # else named in `fields` without a value: the automatic format
            looks["numberFormat"] = _NUMBER_FORMATS[column.kind]
        fields = "userEnteredFormat(numberFormat,wrapStrategy,verticalAlignment)"
        cell = {"range": _column(sheet_id, place), "cell": {"userEnteredFormat": looks}, "fields": fields}
        span = {"sheetId": sheet_id, "dimension": "COLUMNS", "startIndex": place, "endIndex": place + 1}
        size = {"range": span, "properties": {"pixelSize": column.width}, "fields": "pixelSize"}
        requests += [{"repeatCell": cell}, {"updateDimensionProperties": size}]
    return requests


def _columns(sheet_id: int, start: int, end: int) -> Json:
    return {"sheetId": sheet_id, "startRowIndex": 0, "startColumnIndex": start, "endColumnIndex": end}


def _column(sheet_id: int, place: int) -> Json:
    return _columns(sheet_id, place, place + 1)


def _formula(text: str) -> Json:
    return {"type": "CUSTOM_FORMULA", "values": [{"userEnteredValue": text}]}


def _rule(ranges: list[Json], condition: Json, colour: Json, *, bold: bool = False) -> Json:
    looks: Json = {"backgroundColor": colour}
    if bold:
        looks["textFormat"] = {"bold": True}
    return {"ranges": ranges, "booleanRule": {"condition": condition, "format": looks}}


def _numbered(rules: list[Json]) -> list[Json]:
    return [{"addConditionalFormatRule": {"rule": rule, "index": index}} for index, rule in enumerate(rules)]
