"""The folder and its files as web pages, at the addresses that webViewLink gives."""

from __future__ import annotations

from html import escape

from aiohttp import web

from infra.local.drive.store import FOLDER, Drive, Item

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _link(item: Item) -> str:
    kind, end = ("drive/folders", "") if item.mime_type == FOLDER else ("file/d", "/view")
    size = "" if item.size is None else f" ({item.size:,} bytes)"
    return f'<li><a href="/{kind}/{escape(item.id)}{end}">{escape(item.name)}</a>{size}</li>'


def add_pages(app: web.Application, drive: Drive) -> None:

    async def folder(request: web.Request) -> web.Response:
        item = drive.items.get(request.match_info["id"])
        if item is None or item.mime_type != FOLDER:
            raise web.HTTPNotFound(text="There is no folder of this id here.\n")
        listed = "".join(map(_link, drive.children(item.id)))
        title = escape(item.name)
        html = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
            f"<h1>{title}</h1><ul>{listed or '<li>This folder is empty.</li>'}</ul>"
        )
        return web.Response(text=html, content_type="text/html", headers=_HEADERS)

    async def file(request: web.Request) -> web.Response:
        item = drive.items.get(request.match_info["id"])
        if item is None or item.size is None:
            raise web.HTTPNotFound(text="There is no file of this id here.\n")
        return web.Response(body=drive.bytes_of(item.id).read_bytes(), content_type=item.mime_type, headers=_HEADERS)

    app.router.add_get("/drive/folders/{id}", folder)
    app.router.add_get("/file/d/{id}/view", file)
