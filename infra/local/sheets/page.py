"""The live view: a tab as a web page, at the address that a Google Sheet has; it loads itself again every few seconds.

Text of cells is escaped, and becomes a link only when all of it is an http(s) address. There is no script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape

from aiohttp import web

from infra.local.sheets.a1 import column_letters
from infra.local.sheets.book import Spreadsheet
from infra.local.sheets.grid import Tab
from infra.local.sheets.service import SheetsService
from infra.local.sheets.values import render

# Rows on one page of the view: enough to look around, light enough to be built every few seconds.
PAGE_ROWS = 200

_LINK = re.compile(r"https?://[^\s]+", re.IGNORECASE)
_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem }
table { border-collapse: collapse }
th, td { border: 1px solid #b7bec6; padding: 0.25rem 0.5rem; max-width: 24rem; text-align: left; vertical-align: top;
  white-space: pre-wrap; overflow-wrap: anywhere }
thead { position: sticky; top: 0; background: #f2f4f6 }
"""
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _cell(text: str) -> str:
    shown = escape(text)
    if _LINK.fullmatch(text):
        shown = f'<a href="{shown}" target="_blank" rel="noopener noreferrer">{shown}</a>'
    return f"<td>{shown}</td>"


def _html(book: Spreadsheet, tab: Tab, page: int | None) -> str:
    """Return one page of a tab: row 1 as heading, then some of the rows below it; the last ones, unless a page is asked for."""
    pages = max(-(-(len(tab.rows) - 1) // PAGE_ROWS), 1)
    number = pages if page is None else min(max(page, 1), pages)
    start = 1 + (number - 1) * PAGE_ROWS
    rows = tab.rows[start : start + PAGE_ROWS]
    width = max(len(row) for row in [tab.row(0), *rows])
    heading = [str(render(cell, "FORMATTED_VALUE")) for cell in tab.row(0)] + [""] * (width - len(tab.row(0)))
    lines = [
        f"<tr><th scope=row>{place}</th>"
        + "".join(
            _cell(str(render(cell, "FORMATTED_VALUE", looks=tab.looks_of(column)))) for column, cell in enumerate(row)
        )
        for place, row in enumerate(rows, start + 1)
    ]
    tabs = "".join(f'<li><a href="?gid={each.sheet_id}">{escape(each.title)}</a></li>' for each in book.tabs)
    turns = [("Earlier rows", number - 1)] * (number > 1) + [("Later rows", number + 1)] * (number < pages)
    return f"""<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta http-equiv=refresh content=3>
<title>{escape(book.title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{escape(book.title)}: {escape(tab.title)}</h1>
<p>{len(tab.rows)} rows; page {number} of {pages}.</p>
<nav aria-label=Tabs><ul>{tabs}</ul></nav>
<main>
<table>
<thead>
<tr><td></td>{"".join(f"<th scope=col>{column_letters(column)}</th>" for column in range(width))}</tr>
<tr><th scope=row>1</th>{"".join(f"<th scope=col>{escape(text)}</th>" for text in heading)}</tr>
</thead>
<tbody>{"".join(lines)}</tbody>
</table>
<p>{" ".join(f'<a href="?gid={tab.sheet_id}&amp;page={page}">{name}</a>' for name, page in turns)}</p>
</main>
</body>
</html>
"""


def add_page(app: web.Application, service: SheetsService) -> None:
    """Add the live view of a service to a web application."""

    async def show(request: web.Request) -> web.Response:
        book = service.book
        gid, page = request.query.get("gid", str(book.tabs[0].sheet_id)), request.query.get("page", "")
        tab = next((tab for tab in book.tabs if str(tab.sheet_id) == gid), None)
        if request.match_info["id"] != book.spreadsheet_id or tab is None:
            raise web.HTTPNotFound(text="There is no such spreadsheet or tab here.\n")
        number = int(page) if page.isascii() and page.isdigit() else None
        return web.Response(text=_html(book, tab, number), content_type="text/html", headers=_HEADERS)

    app.router.add_get("/spreadsheets/d/{id}/edit", show)
