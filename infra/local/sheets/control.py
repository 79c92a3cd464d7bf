"""The control endpoints of the Sheets stand-in, for tests; served on a loopback port of their own.

GET  /control        {"faults": [...]}: what is still to come
PUT  /control        the same: replaces it; a fault is described at `service.Fault`
GET  /stats          {"calls": {method: n}, "reads": n, "writes": n, "over_quota": {"reads": n, "writes": n}}
GET  /control/grid   ?tab=Sheet1 : {"values": [[...]], "formatting": [], "notes": {"B": "note on the cell of the first row"}}
PUT  /control/grid   {"tab": "Sheet1", "action": ..., ...}: an edit as by somebody in the office; actions:
    set_cell {"cell": "B2", "value": "typed text"}    in a column of plain text it stays text
    insert_column {"before": "C"}         move_column {"column": "B", "before": "E"}
    delete_row {"row": 3}                 sort {"column": "B", "descending": false}
    filter {}                             hides rows from people; the API shows them all the same
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


def _set_cell(tab: Tab, edit: Json) -> None:
    row, column = parse_cell(edit["cell"])
    text = str(edit["value"])
    # "Plain text" keeps what is typed: https://support.google.com/docs/answer/56470
    cell = entered(text) if tab.looks_of(column).type == "TEXT" else parse_typed(text)
    tab.require_inside(Box(row, column, row + 1, column + 1))
    tab.write(row, column, [[cell]])


def _insert_column(tab: Tab, edit: Json) -> None:
    tab.insert("COLUMNS", column_index(edit["before"]), 1)


def _move_column(tab: Tab, edit: Json) -> None:
    column = column_index(edit["column"])
    tab.move("COLUMNS", column, column + 1, column_index(edit["before"]))


def _delete_row(tab: Tab, edit: Json) -> None:
    tab.delete("ROWS", edit["row"] - 1, edit["row"])


def _sort(tab: Tab, edit: Json) -> None:
    below = Box(1, 0, tab.row_count, tab.column_count)
    tab.sort(below, [(column_index(edit["column"]), bool(edit.get("descending")))])


def _filter(tab: Tab, _: Json) -> None:
    tab.filtered = True


_EDITS: dict[str, Callable[[Tab, Json], None]] = {
    "set_cell": _set_cell,
    "insert_column": _insert_column,
    "move_column": _move_column,
    "delete_row": _delete_row,
    "sort": _sort,
    "filter": _filter,
}


def _edit(service: SheetsService, edit: Json) -> None:
    if edit.get("action") not in _EDITS:
        raise invalid(f"action must be one of {', '.join(_EDITS)}.")
    service.edit(lambda book: _EDITS[edit["action"]](_tab(book, edit["tab"]), edit))


def _grid(service: SheetsService, title: str) -> dict[str, Any]:
    tab = _tab(service.book, title)
    cells = tab.read(Box(0, 0, len(tab.rows), tab.column_count))
    return {
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
        service.order_faults([Fault.from_json(order) for order in body["faults"]])
        return web.json_response({"faults": service.pending_faults()})

    async def get_stats(_: web.Request) -> web.Response:
        return web.json_response(service.stats())

    async def get_grid(request: web.Request) -> web.Response:
        return web.json_response(_grid(service, request.query.get("tab", "Sheet1")))

    async def put_grid(request: web.Request) -> web.Response:
        edit = await _object(request)
        _edit(service, edit)
        return web.json_response(_grid(service, edit["tab"]))

    app = web.Application(middlewares=[_errors_as_json])
    app.router.add_get("/control", get_control)
    app.router.add_put("/control", put_control)
    app.router.add_get("/stats", get_stats)
    app.router.add_get("/control/grid", get_grid)
    app.router.add_put("/control/grid", put_grid)
    return app
