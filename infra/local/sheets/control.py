"""The control endpoints of the Sheets stand-in, for tests; served on a loopback port of their own.

GET  /control        {"faults": [...]}: what is still to come
PUT  /control        the same: replaces it; a fault is described at `service.Fault`; "filtered_appends": see `book.Spreadsheet`
GET  /stats          {"calls": {method: n}, "reads": n, "writes": n, "over_quota": {"reads": n, "writes": n}}
GET  /control/grid   ?tab=Sheet1 : {"tab", "row_count", "column_count", "values": [[...]], "formatting": [],
                     "notes": {"B": "note on the cell of the first row"}}
PUT  /control/grid   {"tab": "Sheet1", "action": ..., ...}: an edit as by somebody in the office; actions:
    set_cell {"cell": "B2", "value": "typed text"}    in a column of plain text it stays text
    insert_column {"before": "C"}         insert_row {"before": 3}
    delete_column {"column": "C"}         delete_row {"row": 3}
    move_column {"column": "B", "before": "E"}
    sort {"column": "B", "descending": false, "header_rows": 1}
    filter {"on": true}                   hides rows from people; the API shows them all the same
    rename_tab {"title": "..."}           add_tab {"title": "..."}
    duplicate_tab {}                      delete_tab {}
    protect {"on": true}                  lets only others write here
    delete_token {}                       deletes every named range
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from infra.local.sheets.a1 import Box, column_index, column_letters, parse_cell
from infra.local.sheets.api import Json
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.errors import SheetsError, invalid
from infra.local.sheets.grid import Tab
from infra.local.sheets.service import Fault, SheetsService
from infra.local.sheets.values import entered, parse_typed, render


def _tab(book: Spreadsheet, title: str) -> Tab:
    tab = book.titled(title)
    if tab is None:
        raise invalid(f"There is no tab {title!r}.")
    return tab


def _column(edit: Json, name: str) -> int:
    letters = edit.get(name)
    if not isinstance(letters, str) or not letters.isascii() or not letters.isalpha():
        raise invalid(f"{name} must be the letters of a column, such as B.")
    return column_index(letters)


def _row(edit: Json, name: str) -> int:
    number = edit.get(name)
    if type(number) is not int or number < 1:
        raise invalid(f"{name} must be the number of a row, from 1 on.")
    return number - 1


def _span(tab: Tab, dimension: str, index: int) -> Json:
    return {"sheetId": tab.sheet_id, "dimension": dimension, "startIndex": index, "endIndex": index + 1}


def _insert(tab: Tab, dimension: str, index: int) -> Json:
    return {"insertDimension": {"range": _span(tab, dimension, index)}}


def _delete(tab: Tab, dimension: str, index: int) -> Json:
    return {"deleteDimension": {"range": _span(tab, dimension, index)}}


def _move_column(tab: Tab, edit: Json) -> Json:
    source = _span(tab, "COLUMNS", _column(edit, "column"))
    return {"moveDimension": {"source": source, "destinationIndex": _column(edit, "before")}}


def _sort(tab: Tab, edit: Json) -> Json:
    order = "DESCENDING" if edit.get("descending") else "ASCENDING"
    grid_range = {"sheetId": tab.sheet_id, "startRowIndex": int(edit.get("header_rows", 1))}
    specs = [{"dimensionIndex": _column(edit, "column"), "sortOrder": order}]
    return {"sortRange": {"range": grid_range, "sortSpecs": specs}}


def _rename_tab(tab: Tab, edit: Json) -> Json:
    properties = {"sheetId": tab.sheet_id, "title": str(edit.get("title", ""))}
    return {"updateSheetProperties": {"properties": properties, "fields": "title"}}


_REQUESTS: dict[str, Callable[[Tab, Json], Json]] = {
    "insert_column": lambda tab, edit: _insert(tab, "COLUMNS", _column(edit, "before")),
    "insert_row": lambda tab, edit: _insert(tab, "ROWS", _row(edit, "before")),
    "delete_column": lambda tab, edit: _delete(tab, "COLUMNS", _column(edit, "column")),
    "delete_row": lambda tab, edit: _delete(tab, "ROWS", _row(edit, "row")),
    "move_column": _move_column,
    "sort": _sort,
    "rename_tab": _rename_tab,
    "add_tab": lambda _, edit: {"addSheet": {"properties": {"title": str(edit.get("title", ""))}}},
    "duplicate_tab": lambda tab, _: {"duplicateSheet": {"sourceSheetId": tab.sheet_id}},
    "delete_tab": lambda tab, _: {"deleteSheet": {"sheetId": tab.sheet_id}},
}


def _type_in(tab: Tab, edit: Json) -> None:
    place = parse_cell(str(edit.get("cell", "")))
    if place is None:
        raise invalid("cell must name one cell, such as B2.")
    row, column = place
    text = str(edit.get("value", ""))
    # "Plain text" keeps what is typed: https://support.google.com/docs/answer/56470
    cell = entered(text) if tab.looks_of(column).type == "TEXT" else parse_typed(text)
    tab.require_inside(Box(row, column, row + 1, column + 1))
    tab.write(row, column, [[cell]])


_EDITS: dict[str, Callable[[Spreadsheet, Tab, Json], None]] = {
    "set_cell": lambda _, tab, edit: _type_in(tab, edit),
    "filter": lambda _, tab, edit: setattr(tab, "filtered", bool(edit.get("on", True))),
    "protect": lambda _, tab, edit: setattr(tab, "protected", bool(edit.get("on", True))),
    "delete_token": lambda book, _, __: book.named_ranges.clear(),
}


def _edit(service: SheetsService, edit: Json) -> None:
    title, action = str(edit.get("tab", "Sheet1")), str(edit.get("action"))
    if action in _EDITS:
        service.edit(lambda book: _EDITS[action](book, _tab(book, title), edit))
    elif action in _REQUESTS:
        service.edit_requests([_REQUESTS[action](_tab(service.book, title), edit)])
    else:
        raise invalid(f"action must be one of {', '.join([*_EDITS, *_REQUESTS])}.")


def _grid(service: SheetsService, title: str) -> dict[str, Any]:
    tab = _tab(service.book, title)
    cells = tab.read(Box(0, 0, len(tab.rows), tab.column_count))
    return {
        "tab": tab.title,
        "row_count": tab.row_count,
        "column_count": tab.column_count,
        "values": [[render(cell, "FORMULA") for cell in row] for row in cells],
        "formatting": tab.formatting,
        "notes": {column_letters(column): looks.note for column, looks in enumerate(tab.looks) if looks.note},
    }


async def _object(request: web.Request) -> Json:
    try:
        body = await request.json()
    except ValueError as exc:
        raise invalid(f"The body must be JSON: {exc}.") from exc
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    return body


@web.middleware
async def _errors_as_json(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
    except SheetsError as exc:
        return web.json_response(exc.body(), status=exc.code)
    return answer


def control_app(service: SheetsService) -> web.Application:
    """Return the web application with the control endpoints of a service."""

    async def get_control(_: web.Request) -> web.Response:
        return web.json_response({"faults": service.pending_faults()})

    async def put_control(request: web.Request) -> web.Response:
        body = await _object(request)
        if "filtered_appends" in body:
            service.edit(lambda book: setattr(book, "filtered_appends", str(body["filtered_appends"])))
        orders = body.get("faults", [])
        if not isinstance(orders, list):
            raise invalid("faults must be a list.")
        service.order_faults([Fault.from_json(order) for order in orders])
        return web.json_response({"faults": service.pending_faults()})

    async def get_stats(_: web.Request) -> web.Response:
        return web.json_response(service.stats())

    async def get_grid(request: web.Request) -> web.Response:
        return web.json_response(_grid(service, request.query.get("tab", "Sheet1")))

    async def put_grid(request: web.Request) -> web.Response:
        edit = await _object(request)
        _edit(service, edit)
        title = str(edit.get("title" if edit.get("action") in ("rename_tab", "add_tab") else "tab", "Sheet1"))
        return web.json_response(_grid(service, title) if service.book.titled(title) else {})

    app = web.Application(middlewares=[_errors_as_json])
    app.router.add_get("/control", get_control)
    app.router.add_put("/control", put_control)
    app.router.add_get("/stats", get_stats)
    app.router.add_get("/control/grid", get_grid)
    app.router.add_put("/control/grid", put_grid)
    return app
