"""A mobile line between the browser and the site: bytes pass, until it is told to lose an answer or to go dead."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_BLOCK = 64 * 1024


class Line:
    """A TCP relay on a port of its own.

    Attributes:
        lose_replies: How many answers to `POST /submit` are still to be lost: the request arrives whole, the answer does
            not, and the connection breaks.
        lost: How many answers were lost.
        dead: Whether connections are refused as soon as they are made.
        heard: Everything that the browser sent.
    """

    def __init__(self, site: str) -> None:
        self._target = ("127.0.0.1", urlsplit(site).port or 80)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.lose_replies = 0
        self.lost = 0
        self.dead = False
        self.heard = bytearray()
        self.url = f"http://localhost:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            _break(connection)

    def _accept(self) -> None:
        while True:
            try:
                browser, _ = self._server.accept()
            except OSError:
                return  # closed: the test is over
            if self.dead:
                browser.close()
                continue
            site = socket.create_connection(self._target)
            with self._lock:
                self._open |= {browser, site}
            Connection(self, browser, site).start()


class Connection:
    """One connection of the browser with the one to the site that stands behind it."""

    def __init__(self, line: Line, browser: socket.socket, site: socket.socket) -> None:
        self._line, self._browser, self._site = line, browser, site
        self._lose = False

    def start(self) -> None:
        for relay in (self._up, self._down):
            threading.Thread(target=self._guarded, args=(relay,), daemon=True).start()

    def _guarded(self, relay: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):  # one side is gone; the other follows
            relay()
        _break(self._browser)
        _break(self._site)

    def _up(self) -> None:
        while block := self._browser.recv(_BLOCK):
            if block.startswith(b"POST /submit HTTP") and self._line.lose_replies > 0:
                self._line.lose_replies -= 1
                self._lose = True
            self._line.heard += block
            self._site.sendall(block)

    def _down(self) -> None:
        while block := self._site.recv(_BLOCK):
            if self._lose:
                self._line.lost += 1
                return
            self._browser.sendall(block)


def _break(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # was broken already
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
