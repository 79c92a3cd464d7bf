"""Serving a stand-in over HTTP on loopback ports, until its process is told to end."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from aiohttp import web

_SHUTDOWN_S = 1.0


class PortError(Exception):
    """A port is taken or forbidden; the message is a sentence for the person who started the program."""


async def serve(name: str, app: web.Application, port: int, control: web.Application, control_port: int | None) -> None:
    """Serve a stand-in until SIGTERM or SIGINT; print where, the line that says it is ready last.

    Args:
        name: What the stand-in is called in its lines.
        app: What it stands for.
        port: Port of that; 0 for any free one.
        control: Its control endpoints, for tests.
        control_port: Port of these; None for none.

    Raises:
        PortError: A port cannot be listened on.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runners: list[web.AppRunner] = []
    try:
        bound = await _listen(app, port, runners)
        if control_port is not None:
            address = await _listen(control, control_port, runners)
            print(f"{name}: control on http://127.0.0.1:{address}", flush=True)
        print(f"{name}: listening on http://127.0.0.1:{bound}", flush=True)
        await stop.wait()
    finally:
        for runner in runners:
            await runner.cleanup()


async def _listen(app: web.Application, port: int, runners: list[web.AppRunner]) -> int:
    """Serve an application on a loopback port; return the port."""
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    runners.append(runner)
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as exc:
        raise PortError(f"Port {port} cannot be listened on: {exc.strerror}. Choose another one.") from exc
    address: Any = runner.addresses[0]
    return int(address[1])
