"""Google Sheets stand-in of the local stack: the REST calls that the functions make, over one spreadsheet.

    python -m infra.local.sheets --port 8085 --state .local/sheet.json [--control-port 8086]

The sheet is shown at http://127.0.0.1:PORT/spreadsheets/d/SHEET_ID/edit . The Authorization header is taken
whatever it says, even when it is missing. Where the stand-in is simpler than Google is said in the modules:
values (what is read from typed text), api (field masks), requests (what is answered 501),
service (quota), store (when the state is on disk).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web

from infra.local import serving
from infra.local.sheets.api import Json, Method, route
from infra.local.sheets.control import control_app
from infra.local.sheets.errors import SheetsError, injected, invalid, quota_exceeded
from infra.local.sheets.page import add_page
from infra.local.sheets.service import Limits, SheetsService
from infra.local.sheets.store import StateFileError, keep, load

DEFAULT_SHEET_ID = "greenwatt-local-sheet"

# Google names no hard limit for a request and recommends 2 MB:
# https://developers.google.com/workspace/sheets/api/limits
_MAX_BODY_BYTES = 64 * 1024 * 1024


async def _body(request: web.Request) -> Json:
    try:
        body = json.loads(await request.read() or "{}")
        # A lone surrogate passes json.loads but is no Unicode text and could not be stored.
        json.dumps(body, ensure_ascii=False).encode("utf-8")
    except ValueError as exc:
        raise invalid(f"Invalid JSON payload received. {exc}") from exc
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Unknown root element: an object is expected.")
    return body


def _drop_connection(request: web.Request) -> web.Response:
    """Close the connection under the client; the response returned never leaves."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _carry_out(service: SheetsService, method: Method, sheet_id: str, body: Json) -> None:
    """Do what was asked for long ago; nobody hears what becomes of it."""
    with suppress(SheetsError):
        service.run(method, sheet_id, body)


async def _answer(service: SheetsService, request: web.Request) -> web.StreamResponse:
    path = request.raw_path.partition("?")[0]
    target = route(request.method, path)
    if target is None:
        raise SheetsError(404, f"The local Sheets stand-in has no method {request.method} {path}.")
    method, sheet_id = target[0], unquote(target[1])
    body = await _body(request)
    service.count(method)
    per_minute = service.quotas[method.kind].per_minute
    if not service.admit(method.kind):
        raise quota_exceeded(method.kind, per_minute)
    fault = service.next_fault(method.kind)
    if fault is None:
        return web.json_response(service.run(method, sheet_id, body))
    await asyncio.sleep(fault.delay_ms / 1000)
    failing = fault.status is not None or fault.disconnect
    answer: Json = {}
    if not failing or fault.when == "after":
        answer = service.run(method, sheet_id, body)
    if fault.when == "later":
        asyncio.get_running_loop().call_later(fault.later_s, _carry_out, service, method, sheet_id, body)
    if fault.disconnect:
        return _drop_connection(request)
    if fault.status is not None:
        raise injected(fault.status, method.kind, per_minute)
    return web.json_response(answer)


def api_app(service: SheetsService) -> web.Application:
    """Return the web application with the API and the live view of a service."""

    async def api(request: web.Request) -> web.StreamResponse:
        try:
            return await _answer(service, request)
        except SheetsError as exc:
            return web.json_response(exc.body(), status=exc.code)

    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.router.add_route("*", "/v4/{tail:.*}", api)
    add_page(app, service)
    return app


async def _serve(options: argparse.Namespace) -> None:
    book = load(options.state, options.sheet_id)
    limits = Limits(options.reads_per_minute, options.writes_per_minute)
    service, stopping = SheetsService(book, limits, time.monotonic), asyncio.Event()
    saving = asyncio.create_task(keep(options.state, lambda: service.book, stopping))
    try:
        await serving.serve("sheets", api_app(service), options.port, control_app(service), options.control_port)
    finally:
        stopping.set()
        await saving


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local.sheets", description="Google Sheets stand-in.")
    parser.add_argument("--port", type=int, required=True, help="port of the API and the live view; 0: any free one")
    parser.add_argument("--state", type=Path, required=True, metavar="FILE.json", help="where the sheet is kept")
    parser.add_argument("--control-port", type=int, help="port of the control endpoints for tests; default: none")
    parser.add_argument("--sheet-id", default=DEFAULT_SHEET_ID, help="spreadsheet id (default: %(default)s)")
    for kind in ("reads", "writes"):
        parser.add_argument(
            f"--{kind}-per-minute",
            type=int,
            default=60,
            metavar="N",
            help="quota, 0 for none (default: %(default)s, as Google's per user)",
        )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the stand-in until SIGTERM or SIGINT; return the exit status."""
    options = _parser().parse_args(argv)
    try:
        asyncio.run(_serve(options))
    except (serving.PortError, StateFileError) as exc:
        print(f"sheets: {exc}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"sheets: The state file {options.state} could not be written at the end: {exc}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
