"""The methods of the Sheets API v4 as functions of (spreadsheet, range, query, body) to JSON. Pure.

Reference: https://developers.google.com/workspace/sheets/api/reference/rest ; the methods here are the ones
that gspread 6.2.1 calls. A method changes the spreadsheet it is given, possibly before it fails: callers
pass a copy and keep it on success, since "all Sheets requests are applied atomically"
(https://developers.google.com/workspace/sheets/api/limits).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from infra.local.sheets.a1 import Area, Box, column_letters, format_range
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import bad_field, invalid, unimplemented
from infra.local.sheets.grid import Tab
from infra.local.sheets.properties import parse_mask, select, spreadsheet_json
from infra.local.sheets.requests import apply_request
from infra.local.sheets.tables import append_rows
from infra.local.sheets.values import DateTimeOption, InputOption, Matrix, RenderOption, read_matrix, render

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What a method is called with.

    Attributes:
        range: The range in the path, decoded; empty where the method has none.
        query: Query parameters; `ranges` keeps all its values.
        ranges: All values of the query parameter `ranges`.
        body: Parsed JSON body, empty for none.
        base_url: Where the server is reached, for links in answers.
    """

    range: str
    query: Mapping[str, str]
    ranges: list[str]
    body: Json
    base_url: str


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the API: its name in the documentation, the quota it counts against, its function."""

    name: str
    kind: Literal["read", "write"]
    run: Callable[[Spreadsheet, Call], Json]


def _choice(source: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str | None) -> str:
    value = source.get(name) or default
    if value is None:
        raise invalid(f"'{name}' is required but not specified")
    if value not in allowed:
        snake = re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), name)
        raise bad_field(snake, f"Invalid value at '{snake}', \"{value}\"")
    return str(value)


def _dimension(source: Mapping[str, Any]) -> str:
    return _choice(source, "majorDimension", ("ROWS", "COLUMNS"), "ROWS")


def _input_option(source: Mapping[str, Any]) -> InputOption:
    return cast(InputOption, _choice(source, "valueInputOption", ("RAW", "USER_ENTERED"), None))


def _render_options(source: Mapping[str, Any], prefix: str = "") -> tuple[RenderOption, DateTimeOption]:
    value_name = f"{prefix}ValueRenderOption" if prefix else "valueRenderOption"
    date_name = f"{prefix}DateTimeRenderOption" if prefix else "dateTimeRenderOption"
    values = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
    return (
        cast(RenderOption, _choice(source, value_name, values, values[0])),
        cast(DateTimeOption, _choice(source, date_name, ("SERIAL_NUMBER", "FORMATTED_STRING"), "SERIAL_NUMBER")),
    )


def _value_range(
    tab: Tab, box: Box, dimension: str, options: tuple[RenderOption, DateTimeOption], padded: bool = False
) -> Json:
    """Return a ValueRange; trailing empty cells and rows are left out, and `values` when nothing is left."""
    rows = [
        [render(cell, *options, tab.looks_of(column)) for column, cell in enumerate(row, start=box.left)]
        for row in tab.read(box)
    ]
    answer: Json = {"range": format_range(tab.title, box), "majorDimension": dimension}
    if dimension == "COLUMNS":
        width = max(map(len, rows), default=0)
        columns = [[row[c] if c < len(row) else "" for row in rows] for c in range(width)]
        for column in columns:
            while column and column[-1] == "":
                column.pop()
        rows = columns
    if rows or padded:
        answer["values"] = rows
    return answer


def _get_range(book: Spreadsheet, text: str, query: Mapping[str, Any]) -> Json:
    tab, area = book.resolve(text)
    return _value_range(tab, area.within(tab.row_count, tab.column_count), _dimension(query), _render_options(query))


def _write_range(book: Spreadsheet, text: str, source: Json, option: InputOption, echo: Mapping[str, Any]) -> Json:
    tab, area = book.resolve(text)
    dimension = _dimension(source)
    matrix = read_matrix(source.get("values", []), option, dimension)
    box = _target_box(tab, area, matrix)
    updated = tab.write(box.top, box.left, matrix)
    return _update_answer(book, tab, box, matrix, updated, dimension, echo)


def _target_box(tab: Tab, area: Area, matrix: Matrix) -> Box:
    """Return where a matrix goes: a single cell is an anchor, any larger range must hold all of it."""
    height, width = len(matrix), max(map(len, matrix), default=0)
    box = Box(area.top, area.left, area.top + height, area.left + width)
    if not area.is_cell:
        rows = height if area.bottom is None else area.bottom - area.top
        columns = width if area.right is None else area.right - area.left
        bounds = area.within(tab.row_count, tab.column_count)
        if height > rows or width > columns:
            beyond = (
                f"row [{area.top + rows + 1}]" if height > rows else f"column [{column_letters(area.left + columns)}]"
            )
            allowed = format_range(tab.title, bounds)
            raise invalid(f"Requested writing within range [{allowed}], but tried writing to {beyond}")
    tab.require_inside(box)
    return box


def _update_answer(
    book: Spreadsheet,
    tab: Tab,
    box: Box,
    matrix: Matrix,
    updated: int,
    dimension: str,
    echo: Mapping[str, Any],
) -> Json:
    """Return an UpdateValuesResponse; counts of zero are left out, as proto3's JSON does."""
    counts = {
        "updatedRows": len(matrix) if updated else 0,
        "updatedColumns": box.right - box.left if updated else 0,
        "updatedCells": updated,
    }
    answer: Json = {"spreadsheetId": book.spreadsheet_id, "updatedRange": format_range(tab.title, box)}
    answer.update({name: count for name, count in counts.items() if count})
    if str(echo.get("includeValuesInResponse", "")).lower() == "true":
        answer["updatedData"] = _value_range(tab, box, dimension, _render_options(echo, "response"), padded=True)
    return answer


def _spreadsheets_get(book: Spreadsheet, call: Call) -> Json:
    mask = parse_mask(call.query.get("fields") or "*")
    if call.query.get("includeGridData", "").lower() == "true":
        raise unimplemented("includeGridData")
    whole = spreadsheet_json(book, call.base_url)
    return cast(Json, select(whole, mask))


def _batch_update(book: Spreadsheet, call: Call) -> Json:
    requests = call.body.get("requests")
    if not isinstance(requests, list) or not requests:
        raise invalid("Must specify at least one request.")
    replies = [apply_request(book, request, index) for index, request in enumerate(requests)]
    return {"spreadsheetId": book.spreadsheet_id, "replies": replies}


def _values_get(book: Spreadsheet, call: Call) -> Json:
    return _get_range(book, call.range, call.query)


def _values_batch_get(book: Spreadsheet, call: Call) -> Json:
    found = [_get_range(book, text, call.query) for text in call.ranges]
    return {"spreadsheetId": book.spreadsheet_id, "valueRanges": found}


def _values_update(book: Spreadsheet, call: Call) -> Json:
    return _write_range(book, call.range, call.body, _input_option(call.query), call.query)


def _values_batch_update(book: Spreadsheet, call: Call) -> Json:
    option = _input_option(call.body)
    data = call.body.get("data", [])
    if not isinstance(data, list) or not all(isinstance(part, dict) for part in data):
        raise bad_field("data", "Invalid value at 'data': a list of objects is expected.")
    answers = [_write_range(book, str(part.get("range", "")), part, option, call.body) for part in data]
    counts = {
        "totalUpdatedRows": sum(answer.get("updatedRows", 0) for answer in answers),
        "totalUpdatedColumns": sum(answer.get("updatedColumns", 0) for answer in answers),
        "totalUpdatedCells": sum(answer.get("updatedCells", 0) for answer in answers),
        "totalUpdatedSheets": len({book.resolve(str(part["range"]))[0].sheet_id for part in data}),
    }
    totals = {name: count for name, count in counts.items() if count}
    return {"spreadsheetId": book.spreadsheet_id, **totals, "responses": answers}


def _values_append(book: Spreadsheet, call: Call) -> Json:
    tab, area = book.resolve(call.range)
    option = _input_option(call.query)
    insert = _choice(call.query, "insertDataOption", ("OVERWRITE", "INSERT_ROWS"), "OVERWRITE") == "INSERT_ROWS"
    dimension = _dimension(call.body)
    matrix = read_matrix(call.body.get("values", []), option, dimension)
    table, box, updated = append_rows(tab, area, matrix, insert)
    answer: Json = {"spreadsheetId": book.spreadsheet_id}
    if table:
        answer["tableRange"] = format_range(tab.title, table)
    answer["updates"] = _update_answer(book, tab, box, matrix, updated, dimension, call.query)
    return answer


def _clear(book: Spreadsheet, text: str) -> str:
    tab, area = book.resolve(text)
    box = area.within(tab.row_count, tab.column_count)
    tab.clear(box)
    return format_range(tab.title, box)


def _values_clear(book: Spreadsheet, call: Call) -> Json:
    return {"spreadsheetId": book.spreadsheet_id, "clearedRange": _clear(book, call.range)}


def _values_batch_clear(book: Spreadsheet, call: Call) -> Json:
    ranges = call.body.get("ranges", [])
    if not isinstance(ranges, list):
        raise bad_field("ranges", "Invalid value at 'ranges': a list is expected.")
    cleared = [_clear(book, str(text)) for text in ranges]
    return {"spreadsheetId": book.spreadsheet_id, "clearedRanges": cleared}


_ID = r"/v4/spreadsheets/(?P<id>[^/:]+)"
# First match wins: `values/{range}` would also match what comes before it.
_ROUTES: list[tuple[str, re.Pattern[str], Method]] = [
    ("GET", re.compile(_ID), Method("spreadsheets.get", "read", _spreadsheets_get)),
    ("POST", re.compile(_ID + ":batchUpdate"), Method("spreadsheets.batchUpdate", "write", _batch_update)),
    ("GET", re.compile(_ID + "/values:batchGet"), Method("values.batchGet", "read", _values_batch_get)),
    (
        "POST",
        re.compile(_ID + "/values:batchUpdate"),
        Method("values.batchUpdate", "write", _values_batch_update),
    ),
    (
        "POST",
        re.compile(_ID + "/values:batchClear"),
        Method("values.batchClear", "write", _values_batch_clear),
    ),
    (
        "POST",
        re.compile(_ID + "/values/(?P<range>[^/]+):append"),
        Method("values.append", "write", _values_append),
    ),
    (
        "POST",
        re.compile(_ID + "/values/(?P<range>[^/]+):clear"),
        Method("values.clear", "write", _values_clear),
    ),
    ("GET", re.compile(_ID + "/values/(?P<range>[^/]+)"), Method("values.get", "read", _values_get)),
    ("PUT", re.compile(_ID + "/values/(?P<range>[^/]+)"), Method("values.update", "write", _values_update)),
]


def route(http_method: str, raw_path: str) -> tuple[Method, str, str] | None:
    """Return the method, spreadsheet id and range, both still percent-encoded, that a request line means."""
    for verb, pattern, method in _ROUTES:
        if verb == http_method and (match := pattern.fullmatch(raw_path)):
            return method, match["id"], match.groupdict().get("range") or ""
    return None
