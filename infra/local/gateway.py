"""What stands in front of the functions: Firebase Hosting on one port, Cloud Run's front on another.

Hosting: the static files with the headers and rewrites of infra/firebase.json, on the address people open. Cloud Run's
front: http://127.0.0.1:PORT/NAME/... reaches function NAME, which sees the rest of the path. It gives every instance at most
`concurrency` requests at once (further ones wait), answers 413 over 32 MiB, 503 when the instance is gone and 504 after
`timeout_s`, as the platform does (https://cloud.google.com/run/quotas). It does not start or stop instances and has no 429.

Bodies are streamed both ways: an upload is never held here.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from infra.local.hosting import Hosting
from infra.spec import FunctionSpec, load

MAX_REQUEST_BYTES = 32 * 1024 * 1024
_BLOCK = 64 * 1024
# RFC 9110 section 7.6.1; Host and Expect belong to the connection as well.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
    }
    | {"upgrade", "host", "expect"}
)
_CONNECT_TIMEOUT_S = 5
_NAME = web.AppKey("name", str)


class TooLarge(Exception):
    """The request is over the platform's limit."""


class Service:
    """One function with its instances."""

    def __init__(self, spec: FunctionSpec, ports: list[int], client: aiohttp.ClientSession) -> None:
        self._spec = spec
        self._client = client
        # One token a request that an instance may have at once; a token is the instance's port.
        self._free: asyncio.Queue[int] = asyncio.Queue()
        for _ in range(spec.concurrency):
            for port in ports:
                self._free.put_nowait(port)

    async def forward(
        self, request: web.Request, path: str, headers: Mapping[str, str] | None = None
    ) -> web.StreamResponse:
        """Pass `request` to a free instance under `path` and its answer back, both as they arrive.

        Args:
            request: What came in.
            path: Path that the function sees.
            headers: Added to the answer where the function does not set them itself.
        """
        if (request.content_length or 0) > MAX_REQUEST_BYTES:
            return _platform_error(413)
        port = await self._free.get()
        try:
            async with asyncio.timeout(self._spec.timeout_s):
                return await self._exchange(request, f"http://127.0.0.1:{port}{path}", headers or {})
        except TooLarge:
            return _platform_error(413)
        except TimeoutError:
            return _platform_error(504)
        except aiohttp.ClientError as exc:
            if isinstance(exc.__cause__, TooLarge):
                return _platform_error(413)
            return _platform_error(503)
        finally:
            self._free.put_nowait(port)

    async def _exchange(self, request: web.Request, url: str, extra: Mapping[str, str]) -> web.StreamResponse:
        headers = {
            **_end_to_end(request.headers),
            "X-Forwarded-For": request.remote or "",
            "X-Forwarded-Host": request.host,
            "X-Forwarded-Proto": request.scheme,
        }
        body = _limited(request) if request.can_read_body else None
        async with self._client.request(
            request.method, url, headers=headers, data=body, allow_redirects=False, params=request.query
        ) as answer:
            merged = {**extra, **_end_to_end(answer.headers)}
            response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=merged)
            await response.prepare(request)
            try:
                async for block in answer.content.iter_chunked(_BLOCK):
                    await response.write(block)
                await response.write_eof()
            except aiohttp.ClientError:
                # The instance died in the middle of its answer: whoever waits for the rest must see it break off.
                if request.transport is not None:
                    request.transport.abort()
            return response


async def _limited(request: web.Request) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; raise when it passes the limit, which ends the request to the function."""
    total = 0
    async for block in request.content.iter_chunked(_BLOCK):
        total += len(block)
        if total > MAX_REQUEST_BYTES:
            raise TooLarge
        yield block


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _platform_error(status: int) -> web.Response:
    """Answer as the platform does: a status and no JSON."""
    return web.Response(status=status, text=f"{status} {web.Response(status=status).reason}\n")


@web.middleware
async def log_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Print one JSON line a request; the path only, as a query may hold anything."""
    began = time.monotonic()
    status = 499  # the client left, as nginx calls it
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as exc:
        status = exc.status
        raise
    finally:
        line = {
            "severity": "ERROR" if status >= 500 else "INFO",
            "function": request.app[_NAME],
            "message": f"{request.method} {request.path} {status}",
            "ms": round((time.monotonic() - began) * 1000),
        }
        print(json.dumps(line), flush=True)


def hosting_app(
    services: Mapping[str, Service], hosting: Hosting, sheet_url: str, firebase_config: str
) -> web.Application:
    """Return the site: static files, rewrites to the functions, and two addresses that no file stands for.

    /sheet leads to the Sheets stand-in; /firebase-config.json tells the page where Firestore is (null: do not listen), as the
    file that the deployment makes does in production.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = hosting.headers_for(request.path)
        if function := hosting.function_for(request.path):
            return await services[function].forward(request, request.path, headers)
        if request.path == "/sheet":
            raise web.HTTPFound(sheet_url)
        if request.path == "/firebase-config.json":
            return web.Response(text=firebase_config, content_type="application/json", headers=headers)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="405 Method Not Allowed\n", headers={**headers, "Allow": "GET, HEAD"})
        file = hosting.file_for(request.path)
        if file is None:
            return web.Response(status=404, text="404 Not Found\n", headers=headers)
        return web.FileResponse(file, headers=headers)

    app = web.Application(middlewares=[log_requests])
    app[_NAME] = "site"
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def front_app(services: Mapping[str, Service]) -> web.Application:
    """Return Cloud Run's front: /NAME/rest reaches function NAME as /rest."""

    async def handle(request: web.Request) -> web.StreamResponse:
        service = services.get(request.match_info["name"])
        if service is None:
            return _platform_error(404)
        return await service.forward(request, "/" + request.match_info["rest"])

    app = web.Application(middlewares=[log_requests])
    app[_NAME] = "front"
    app.router.add_route("*", "/{name}{slash:/?}{rest:.*}", handle)
    return app


def local_csp(hosting: Hosting, firestore_origin: str) -> None:
    """Let pages listen to the Firestore emulator where the deployed site lets them listen to Google's."""
    for _, headers in hosting.headers:
        if "Content-Security-Policy" in headers:
            policy = headers["Content-Security-Policy"]
            headers["Content-Security-Policy"] = policy.replace("https://firestore.googleapis.com", firestore_origin)


async def serve(options: argparse.Namespace) -> None:
    """Serve both ports until cancelled."""
    specs, _ = load()
    hosting = replace(Hosting.load(options.hosting), public=options.public.resolve())
    local_csp(hosting, options.firestore_origin)
    # No total timeout: `Service.forward` has the function's own. No pooling: a killed instance leaves dead connections behind.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as client:
        services = {name: Service(specs[name], ports, client) for name, ports in options.service}
        for app, port in (
            (hosting_app(services, hosting, options.sheet_url, options.firebase_config), options.port),
            (front_app(services), options.front_port),
        ):
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handle_signals=True)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
        print(f"gateway: listening on http://127.0.0.1:{options.port}", flush=True)
        await asyncio.Event().wait()


def _service(text: str) -> tuple[str, list[int]]:
    name, _, ports = text.partition("=")
    return name, [int(port) for port in ports.split(",")]


def main() -> None:
    """Read the command line that `infra.local.stack` writes, and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.gateway", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--port", type=int, required=True, help="port of the site")
    parser.add_argument("--front-port", type=int, required=True, help="port of the functions' front")
    parser.add_argument("--hosting", type=Path, required=True, help="firebase.json")
    parser.add_argument("--public", type=Path, required=True, help="folder of the static files")
    parser.add_argument("--firebase-config", default="null", help="JSON for the page; null: do not listen")
    parser.add_argument("--sheet-url", required=True, help="where /sheet leads")
    parser.add_argument(
        "--firestore-origin", required=True, help="origin of the Firestore emulator, for the page's CSP"
    )
    parser.add_argument("--service", type=_service, action="append", default=[], metavar="NAME=PORT[,PORT]")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
