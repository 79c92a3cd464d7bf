"""The live view: the spreadsheet as a web page at the address a Google Sheet has.

The page works without its script; the script asks once a second whether the revision changed. Text of cells
is escaped here and set as text there, and becomes a link only when all of it is an http(s) address.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web

from infra.local.sheets.a1 import column_letters
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.grid import Tab
from infra.local.sheets.service import SheetsService
from infra.local.sheets.values import render

# Rows on one page of the view: enough to look around, light enough to build each second on a phone.
PAGE_ROWS = 200

_STATIC = Path(__file__).parent / "static"
_LINK = re.compile(r"https?://[^\s]+", re.IGNORECASE)
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _view(book: Spreadsheet, tab: Tab, page: int | None) -> dict[str, Any]:
    """Return what one page of the view shows: row 1 as heading, then a page of the rows below it.

    Args:
        book: The spreadsheet.
        tab: The tab to show.
        page: Page number from 1 on; None for the last one, which has the newest rows.
    """
    below = max(len(tab.rows) - 1, 0)
    pages = max(-(-below // PAGE_ROWS), 1)
    number = pages if page is None else min(max(page, 1), pages)
    start = 1 + (number - 1) * PAGE_ROWS
    shown = tab.rows[start : start + PAGE_ROWS]
    heading = [str(render(cell, "FORMATTED_VALUE")) for cell in tab.row(0)]
    width = max([len(heading), *map(len, shown)])
    rows = [
        [str(render(cell, "FORMATTED_VALUE", looks=tab.looks_of(column))) for column, cell in enumerate(row)]
        for row in shown
    ]
    return {
        "revision": book.revision,
        "title": book.title,
        "tabs": [{"gid": each.sheet_id, "title": each.title} for each in book.tabs],
        "gid": tab.sheet_id,
        "letters": [column_letters(c) for c in range(width)],
        "heading": heading + [""] * (width - len(heading)),
        "first_row": start + 1,
        "rows": [row + [""] * (width - len(row)) for row in rows],
        "filled_rows": len(tab.rows),
        "page": number,
        "pages": pages,
    }


def _cell_html(text: str, label: str) -> str:
    shown = escape(text)
    if _LINK.fullmatch(text):
        shown = f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a>'
    return f'<td data-label="{escape(label)}">{shown}</td>'


def _table_html(view: dict[str, Any]) -> str:
    letters = "".join(f"<th scope=col>{letter}</th>" for letter in view["letters"])
    heading = "".join(f"<th scope=col>{escape(text)}</th>" for text in view["heading"])
    labels = [text or letter for text, letter in zip(view["heading"], view["letters"], strict=True)]
    body = "".join(
        f"<tr><th scope=row>{number}</th>"
        + "".join(_cell_html(text, label) for text, label in zip(row, labels, strict=True))
        + "</tr>"
        for number, row in enumerate(view["rows"], start=view["first_row"])
    )
    return (
        f"<thead><tr class=letters><td></td>{letters}</tr><tr><th scope=row>1</th>{heading}</tr></thead>"
        f"<tbody>{body}</tbody>"
    )


def _summary(view: dict[str, Any]) -> str:
    if not view["filled_rows"]:
        return "This tab is empty."
    last = view["first_row"] + len(view["rows"]) - 1
    shown = f"rows {view['first_row']} to {last}" if view["rows"] else "the heading"
    return f"{view['filled_rows']} rows; shown: {shown} (page {view['page']} of {view['pages']})."


def _page_html(view: dict[str, Any]) -> str:
    gid, page = view["gid"], view["page"]
    tabs = "".join(
        f'<li><a href="?gid={tab["gid"]}"{" aria-current=page" if tab["gid"] == gid else ""}>'
        f"{escape(tab['title'])}</a></li>"
        for tab in view["tabs"]
    )
    older = f'<a href="?gid={gid}&amp;page={page - 1}">Earlier rows</a>' if page > 1 else ""
    newer = f'<a href="?gid={gid}&amp;page={page + 1}">Later rows</a>' if page < view["pages"] else ""
    return f"""<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<title>{escape(view["title"])}</title>
<link rel=stylesheet href="/static/sheets.css">
<script type=module src="/static/sheets.js"></script>
</head>
<body>
<header>
<h1>{escape(view["title"])}</h1>
<p id=summary>{escape(_summary(view))}</p>
<p id=connection role=status></p>
</header>
<nav aria-label=Tabs><ul id=tabs>{tabs}</ul></nav>
<main>
<div class=scroll role=region aria-label="Cells" tabindex=0>
<table id=cells data-gid="{gid}">{_table_html(view)}</table>
</div>
<p id=pages>{older} {newer}</p>
</main>
</body>
</html>
"""


def _requested(service: SheetsService, request: web.Request) -> dict[str, Any]:
    book = service.book
    if request.match_info["id"] != book.spreadsheet_id:
        raise web.HTTPNotFound(text="There is no spreadsheet of this id here.\n")
    gid, page = request.query.get("gid", str(book.tabs[0].sheet_id)), request.query.get("page", "")
    tab = next((tab for tab in book.tabs if str(tab.sheet_id) == gid), None)
    if tab is None:
        raise web.HTTPNotFound(text="There is no tab of this gid in the spreadsheet.\n")
    return _view(book, tab, int(page) if page.isascii() and page.isdigit() else None)


def add_page(app: web.Application, service: SheetsService) -> None:
    """Add the live view of a service to a web application."""

    async def page(request: web.Request) -> web.Response:
        html = _page_html(_requested(service, request))
        return web.Response(text=html, content_type="text/html", headers=_HEADERS)

    async def data(request: web.Request) -> web.Response:
        if request.query.get("revision") == str(service.book.revision):
            return web.Response(status=204, headers=_HEADERS)
        view = _requested(service, request)
        return web.json_response({**view, "summary": _summary(view)}, headers=_HEADERS)

    async def static(request: web.Request) -> web.FileResponse:
        return web.FileResponse(_STATIC / request.match_info["name"], headers=_HEADERS)

    app.router.add_get("/spreadsheets/d/{id}/edit", page)
    app.router.add_get("/spreadsheets/d/{id}/view.json", data)
    app.router.add_get(r"/static/{name:sheets\.(?:css|js)}", static)
