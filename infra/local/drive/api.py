"""The calls of Drive's API v3 that the functions make: files.list, .get, .create, .update (into the bin), resumable uploads.

    https://developers.google.com/workspace/drive/api/reference/rest/v3/files
    https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable

All items are on one Shared Drive: without supportsAllDrives=true they do not exist for the caller, and files.list needs
includeItemsFromAllDrives=true as well (https://developers.google.com/workspace/drive/api/guides/enable-shareddrives).
The Authorization header is taken whatever it says. `fields` is read as names after the outermost braces; what it does not
name is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from infra.local.drive.errors import DriveError, invalid, no_storage, not_found, unimplemented
from infra.local.drive.faults import Traffic
from infra.local.drive.store import FOLDER, Drive, Item, Session

CHUNK_MULTIPLE = 256 * 1024
_DEFAULT_FIELDS = "kind,id,name,mimeType"
_QUERY = re.compile(
    r"appProperties has \{ key='(\w+)' and value='(\w+)' \}(?: and trashed = false)?"
)  # nobody trashes here
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_MAX_BODY = 64 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.Response]]


def _base(request: web.Request) -> str:
    return str(request.url.origin())


def _on_shared_drives(request: web.Request) -> bool:
    return request.query.get("supportsAllDrives") == "true"


def _selected(item: Item, fields: str, base_url: str) -> dict[str, Any]:
    whole = item.resource(base_url)
    names = fields.split(",") if fields else []
    return whole if "*" in names else {name: whole[name] for name in names if name in whole}


async def _metadata(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as exc:
        raise DriveError(400, "parseError", "Parse Error") from exc
    if not isinstance(body, dict):
        raise DriveError(400, "parseError", "Parse Error")
    unknown = set(body) - {"name", "mimeType", "parents", "appProperties"}
    if unknown:
        raise unimplemented(f"the fields {', '.join(sorted(unknown))}")
    return body


class DriveApi:
    """The API over one Drive.

    Args:
        drive: The Drive.
        traffic: Its quota and failures.
    """

    def __init__(self, drive: Drive, traffic: Traffic) -> None:
        self._drive = drive
        self._traffic = traffic

    def app(self) -> web.Application:
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_get("/drive/v3/files", self._handler("list", self._list))
        app.router.add_post("/drive/v3/files", self._handler("create", self._create))
        app.router.add_get("/drive/v3/files/{id}", self._handler("get", self._get))
        app.router.add_patch("/drive/v3/files/{id}", self._handler("update", self._bin))
        app.router.add_post("/upload/drive/v3/files", self._handler("begin", self._begin))
        app.router.add_put("/upload/drive/v3/files", self._handler("put", self._put))
        return app

    def _handler(self, method: str, run: Handler) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                fault = self._traffic.admit(method)
                answer = web.Response() if fault and fault.when == "before" else await run(request)
                if fault is None:
                    return answer
                if error := fault.error():
                    raise error
                if request.transport is not None:
                    request.transport.close()
                return web.Response()
            except DriveError as exc:
                return web.json_response(exc.body(), status=exc.code)

        return handle

    async def _list(self, request: web.Request) -> web.Response:
        asked = _QUERY.fullmatch(request.query.get("q", ""))
        if asked is None:
            raise unimplemented("this query of files.list")
        everywhere = request.query.get("includeItemsFromAllDrives") == "true" and _on_shared_drives(request)
        items = self._drive.items.values()
        found = [item for item in items if everywhere and item.app_properties.get(asked[1]) == asked[2]]
        if request.query.get("orderBy", "createdTime") != "createdTime":
            raise unimplemented("this order")
        found.sort(key=lambda item: item.created)
        size = int(request.query.get("pageSize", "100"))
        if len(found) > size:
            raise unimplemented("a second page of files.list")
        wanted = re.fullmatch(r"files\((.*)\)", request.query.get("fields", f"files({_DEFAULT_FIELDS})"))
        if wanted is None:
            raise unimplemented("these fields of files.list")
        return web.json_response({"files": [_selected(item, wanted[1], _base(request)) for item in found]})

    def _item(self, request: web.Request, item_id: str) -> Item:
        item = self._drive.items.get(item_id)
        if item is None or not _on_shared_drives(request):
            raise not_found(item_id)
        return item

    def _check_parents(self, request: web.Request, metadata: dict[str, Any]) -> None:
        parents = metadata.get("parents", [])
        if parents in ([], ["root"]):
            raise no_storage()
        if len(parents) > 1:
            raise invalid("A file may only have one parent.")
        if self._item(request, str(parents[0])).mime_type != FOLDER:
            raise DriveError(403, "parentNotAFolder", "The specified parent is not a folder.")
        for key, value in metadata.get("appProperties", {}).items():
            if len(f"{key}{value}".encode()) > 124:  # .../guides/properties
                raise invalid("Properties and app properties are limited to 124 bytes.")

    async def _create(self, request: web.Request) -> web.Response:
        metadata = await _metadata(request)
        self._check_parents(request, metadata)
        item = self._drive.add(metadata, str(metadata.get("mimeType", "application/octet-stream")))
        return web.json_response(_selected(item, request.query.get("fields", _DEFAULT_FIELDS), _base(request)))

    async def _get(self, request: web.Request) -> web.Response:
        item = self._item(request, request.match_info["id"])
        if request.query.get("alt") == "media":
            if item.size is None:
                raise DriveError(403, "fileNotDownloadable", "Only files with binary content can be downloaded.")
            return web.Response(body=self._drive.bytes_of(item.id).read_bytes(), content_type=item.mime_type)
        return web.json_response(_selected(item, request.query.get("fields", _DEFAULT_FIELDS), _base(request)))

    async def _bin(self, request: web.Request) -> web.Response:
        item = self._item(request, request.match_info["id"])
        if await request.json() != {"trashed": True}:
            raise unimplemented("any other files.update than into the bin")
        self._drive.remove(item)
        return web.json_response({"id": item.id})

    async def _begin(self, request: web.Request) -> web.Response:
        if request.query.get("uploadType") != "resumable":
            raise unimplemented("uploads that are not resumable")
        metadata = await _metadata(request)
        self._check_parents(request, metadata)
        content_type = request.headers.get("X-Upload-Content-Type", "application/octet-stream")
        size = request.headers.get("X-Upload-Content-Length", "")
        if not size.isdigit():
            raise unimplemented("uploads of unknown size")
        fields = request.query.get("fields", _DEFAULT_FIELDS)
        upload_id = self._drive.begin(metadata, content_type, int(size), fields)
        location = f"{_base(request)}/upload/drive/v3/files?uploadType=resumable&upload_id={upload_id}"
        return web.Response(headers={"Location": location})

    async def _put(self, request: web.Request) -> web.Response:
        session = self._drive.sessions.get(request.query.get("upload_id", ""))
        if session is None:
            raise DriveError(404, "notFound", "Not Found")  # "start the upload from the beginning", says the guide
        given = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if given is None or given[3] not in ("*", str(session.size)):
            raise invalid("Failed to parse Content-Range header.")
        if given[1] is None:
            return _incomplete(session)
        self._take(session, int(given[1]), await request.read())
        if session.received < session.size:
            return _incomplete(session)
        del self._drive.sessions[request.query["upload_id"]]
        item = self._drive.add(session.metadata, session.content_type, session.path)
        return web.json_response(_selected(item, session.fields, _base(request)))

    def _take(self, session: Session, start: int, data: bytes) -> None:
        """Add a chunk to an upload; what it has already is passed over."""
        if start > session.received or start + len(data) > session.size:
            raise invalid("Invalid request. The chunk does not continue what was received.")
        if start + len(data) < session.size and len(data) % CHUNK_MULTIPLE:
            raise invalid(f"Chunks must be multiples of {CHUNK_MULTIPLE} bytes, except for the last one.")
        new = data[session.received - start :]
        with session.path.open("ab") as file:
            file.write(new)
        session.received += len(new)


def _incomplete(session: Session) -> web.Response:
    """Return `308 Resume Incomplete`; without Range while nothing has arrived."""
    headers = {"Range": f"bytes=0-{session.received - 1}"} if session.received else {}
    return web.Response(status=308, reason="Resume Incomplete", headers=headers)


def control_app(drive: Drive, traffic: Traffic) -> web.Application:
    """Return the control endpoints, for tests.

    GET /control and PUT /control: {"faults": [...]}, see `faults.Fault`; GET /stats: {"calls": {method: n}};
    GET /control/items: {"items": [...]}, everything below the office's folder.
    """

    async def get_control(_: web.Request) -> web.Response:
        return web.json_response({"faults": traffic.pending()})

    async def put_control(request: web.Request) -> web.Response:
        try:
            traffic.order((await request.json()).get("faults"))
        except (DriveError, json.JSONDecodeError, AttributeError) as exc:
            return web.json_response({"error": str(exc)}, status=400)
        return web.json_response({"faults": traffic.pending()})

    async def get_stats(_: web.Request) -> web.Response:
        return web.json_response({"calls": traffic.stats()})

    async def get_items(_: web.Request) -> web.Response:
        items = [item.resource("") for item in drive.items.values() if item.id != drive.root]
        return web.json_response({"items": items})

    app = web.Application()
    app.router.add_get("/control", get_control)
    app.router.add_put("/control", put_control)
    app.router.add_get("/stats", get_stats)
    app.router.add_get("/control/items", get_items)
    return app
