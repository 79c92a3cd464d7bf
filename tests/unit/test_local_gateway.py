"""Cloud Run's front: bodies pass through as they come, and the platform's limits are kept."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from infra.local.gateway import MAX_REQUEST_BYTES, Service, front_app
from infra.local.ports import free_ports
from infra.spec import FunctionSpec

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
DEADLINE_S = 30.0


def spec(**changes: int) -> FunctionSpec:
    """Return the settings of a function named `submit`."""
    numbers: dict[str, Any] = {"memory_mb": 256, "timeout_s": 60, "concurrency": 8, "max_instances": 2, "threads": 8}
    return FunctionSpec("submit", "http", **{**numbers, **changes})


async def serve(stack: AsyncExitStack, app: web.Application) -> int:
    """Serve an application until the stack closes; return its port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


class Front:
    """A front with functions behind it, and a client before it."""

    def __init__(self, stack: AsyncExitStack, client: aiohttp.ClientSession) -> None:
        self._stack = stack
        self.client = client
        self.url = ""

    @classmethod
    async def start(cls, stack: AsyncExitStack, handlers: Sequence[Handler], settings: FunctionSpec) -> Front:
        """Serve one instance a handler, and the front."""
        client = await stack.enter_async_context(aiohttp.ClientSession())
        front = cls(stack, client)
        ports = []
        for handler in handlers:
            app = web.Application(client_max_size=2 * MAX_REQUEST_BYTES)
            app.router.add_route("*", "/{path:.*}", handler)
            ports.append(await serve(stack, app))
        await front.serve(ports or free_ports(1), settings)
        return front

    async def serve(self, ports: list[int], settings: FunctionSpec) -> None:
        """Serve the front of a function whose instances listen on `ports`."""
        service = Service(settings, ports, self.client)
        self.url = f"http://127.0.0.1:{await serve(self._stack, front_app({'submit': service}))}/submit"


def with_front(
    story: Callable[[Front], Awaitable[None]], *handlers: Handler, settings: FunctionSpec | None = None
) -> None:
    """Run a story with a front before the handlers."""

    async def run() -> None:
        async with asyncio.timeout(DEADLINE_S), AsyncExitStack() as stack:
            await story(await Front.start(stack, handlers, settings or spec()))

    asyncio.run(run())


async def echo(request: web.Request) -> web.Response:
    """Answer with what came."""
    body = await request.read()
    names = ("Idempotency-Key", "X-Forwarded-Proto", "X-Forwarded-For", "Connection")
    heard = {name: request.headers.get(name) for name in names}
    return web.json_response(
        {"path": request.path_qs, "method": request.method, "bytes": len(body), **heard},
        status=202,
        headers={"X-Own": "yes"},
    )


def test_a_function_sees_its_own_path() -> None:
    """The name is taken off; method, query, headers and body stay; the front adds who asked."""

    async def story(front: Front) -> None:
        headers = {"Idempotency-Key": "k"}
        async with front.client.put(f"{front.url}/a/b?c=d%20e", data=b"12345", headers=headers) as answer:
            assert (answer.status, answer.headers["X-Own"]) == (202, "yes")
            heard = await answer.json()
        assert (heard["path"], heard["method"], heard["bytes"]) == ("/a/b?c=d+e", "PUT", 5)
        assert (heard["Idempotency-Key"], heard["X-Forwarded-Proto"], heard["X-Forwarded-For"]) == (
            "k",
            "http",
            "127.0.0.1",
        )
        async with front.client.get(front.url) as answer:
            assert (await answer.json())["path"] == "/"

    with_front(story, echo)


def test_an_unknown_function_is_not_found() -> None:
    """The front knows its functions only."""

    async def story(front: Front) -> None:
        async with front.client.get(f"{front.url}ted") as answer:
            assert answer.status == 404

    with_front(story, echo)


def test_an_upload_passes_while_it_comes() -> None:
    """The function has the first block before the client has sent the second."""
    first_seen = asyncio.Event()

    async def function(request: web.Request) -> web.Response:
        assert await request.content.readexactly(5) == b"first"
        first_seen.set()
        return web.Response(body=await request.read())

    async def upload() -> AsyncIterator[bytes]:
        yield b"first"
        await first_seen.wait()
        yield b"second"

    async def story(front: Front) -> None:
        async with front.client.post(front.url, data=upload()) as answer:
            assert await answer.read() == b"second"

    with_front(story, function)


def test_an_answer_passes_while_it_comes() -> None:
    """The client has the first block before the function has sent the second."""
    first_seen = asyncio.Event()

    async def function(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"first")
        await first_seen.wait()
        await response.write(b"second")
        return response

    async def story(front: Front) -> None:
        async with front.client.get(front.url) as answer:
            assert await answer.content.readexactly(5) == b"first"
            first_seen.set()
            assert await answer.read() == b"second"

    with_front(story, function)


def test_a_request_just_at_the_limit_passes() -> None:
    """32 MiB are taken, told beforehand or not."""

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield bytes(MAX_REQUEST_BYTES // 32)

    async def story(front: Front) -> None:
        for body in (io.BytesIO(bytes(MAX_REQUEST_BYTES)), blocks()):
            async with front.client.post(front.url, data=body) as answer:
                assert (await answer.json())["bytes"] == MAX_REQUEST_BYTES

    with_front(story, echo)


def test_a_request_one_byte_over_the_limit_is_refused() -> None:
    """By its length before the function hears of it; without a length as soon as it passes the limit."""
    whole: list[int] = []

    async def function(request: web.Request) -> web.Response:
        whole.append(len(await request.read()))
        return web.Response()

    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield bytes(MAX_REQUEST_BYTES // 32)
        yield b"!"

    async def story(front: Front) -> None:
        for body in (io.BytesIO(bytes(MAX_REQUEST_BYTES + 1)), blocks()):
            async with front.client.post(front.url, data=body) as answer:
                assert answer.status == 413

    with_front(story, function)
    assert whole == []


def test_an_instance_that_is_gone_is_unavailable() -> None:
    """503, which Pub/Sub takes as a reason to deliver again."""

    async def story(front: Front) -> None:
        async with front.client.post(front.url, data=b"x") as answer:
            assert answer.status == 503

    with_front(story)


def test_an_instance_that_breaks_off_is_unavailable() -> None:
    """A function killed in the middle of its work is a 503 as well."""

    async def function(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def story(front: Front) -> None:
        async with front.client.post(front.url, data=b"x") as answer:
            assert answer.status == 503

    with_front(story, function)


def test_an_instance_that_dies_in_the_middle_of_its_answer() -> None:
    """The answer breaks off; nothing else is put in the place of what is missing."""

    async def function(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=202, headers={"Content-Type": "application/json", "Content-Length": "70"})
        await response.prepare(request)
        await response.write(b'{"intake')
        assert request.transport is not None
        request.transport.abort()
        return response

    async def story(front: Front) -> None:
        with pytest.raises(aiohttp.ClientError):
            async with front.client.post(front.url, data=b"x") as answer:
                await answer.read()

    with_front(story, function)


def test_a_function_over_its_time_is_cut_off() -> None:
    """504 after timeout_s, and the function sees that nobody waits any more."""

    async def function(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")

    async def story(front: Front) -> None:
        async with front.client.post(front.url, data=b"x") as answer:
            assert answer.status == 504

    with_front(story, function, settings=spec(timeout_s=0))


@pytest.mark.parametrize(("instances", "concurrency", "most"), [(1, 1, 1), (1, 3, 3), (2, 1, 2)])
def test_an_instance_gets_as_many_requests_as_it_may(instances: int, concurrency: int, most: int) -> None:
    """Further requests wait for their turn, and every one is answered."""
    running = 0
    peak = 0
    filled = asyncio.Event()

    async def function(_request: web.Request) -> web.Response:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        if running == most:
            filled.set()
        await filled.wait()  # nobody leaves before as many are in as may be
        await asyncio.sleep(0)
        running -= 1
        return web.Response()

    async def story(front: Front) -> None:
        async def ask() -> int:
            async with front.client.post(front.url, data=b"x") as answer:
                return answer.status

        assert await asyncio.gather(*(ask() for _ in range(12))) == [200] * 12

    with_front(story, *[function] * instances, settings=spec(concurrency=concurrency))
    assert peak == most


def test_a_client_that_leaves_breaks_the_upload_for_the_function_too() -> None:
    """The function must see a broken body, never a short one that looks whole."""
    outcome: asyncio.Queue[str] = asyncio.Queue()

    async def function(request: web.Request) -> web.Response:
        await request.content.readexactly(5)
        outcome.put_nowait("begun")
        try:
            await request.read()
            outcome.put_nowait("whole")
        except (ConnectionError, aiohttp.ClientPayloadError, web.RequestPayloadError):
            outcome.put_nowait("broken")
        return web.Response()

    async def story(front: Front) -> None:
        host, port = front.url.split("/")[2].split(":")
        _reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /submit HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nfirst")
        assert await outcome.get() == "begun"
        writer.transport.abort()
        assert await outcome.get() == "broken"

    with_front(story, function)
