"""The process that handles what came from outside: files, and the words that were read from them.

    python -m intake.pages.sandbox.worker PARENT_PID LIMITS      with a Unix socket as standard input

It serves one request after the other and holds one document at a time:

    {"op": "open", "kind", "number"} + file   ▶  {"pages"}
    {"op": "page", "index", "redraw"}         ▶  a page, see `protocol.frame_of`
    {"op": "fields", "day"} + file of words   ▶  {"reading"}, see `extraction.checked`
    {"op": "clean", "kind", "number"} + file  ▶  {"parts"}, see `protocol.parts_of`
    {"op": "close"}                           ▶  {"rss_mb"}

What is wrong with the file is answered as in `reports`. A file that exhausts memory or time ends the process, and the exit
status says why, see `limits`.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
from datetime import date
from typing import Any

from intake import log
from intake.errors import BadFile, LocationNotRemoved
from intake.model import PageWords
from intake.pages import Document, open_document
from intake.pages.filebytes import FileBytes
from intake.pages.sandbox import limits as resource_limits
from intake.pages.sandbox import protocol, reports, syscalls
from intake.pages.sandbox.limits import WorkerLimits


class Worker:
    """Serves requests until its channel ends.

    Args:
        channel: The socket to `ocr`.
        limits: What a call may take.
    """

    def __init__(self, channel: socket.socket, limits: WorkerLimits) -> None:
        self._channel = channel
        self._limits = limits
        self._document: Document | None = None
        self._descriptor: int | None = None

    def serve(self) -> None:
        """Answer requests until the parent ends."""
        while True:
            try:
                request, _, descriptor = protocol.receive(self._channel)
            except (EOFError, protocol.ProtocolError):
                return
            cpu_s = self._limits.fields_cpu_s if request.get("op") == "fields" else self._limits.cpu_s
            with resource_limits.limited_time(cpu_s, self._limits.wall_s):
                answer, pictures = self._answer(request, descriptor)
            protocol.send(self._channel, answer, pictures)
            if self._document is None:
                # A mapping ends with the last object that looks into it, and MuPDF's binding makes cycles.
                gc.collect()

    def _answer(self, request: dict[str, Any], descriptor: int | None) -> tuple[dict[str, Any], list[bytes]]:
        try:
            match request:
                case {"op": "open", "kind": str(kind), "number": int(number)} if descriptor is not None:
                    return {"pages": self._open(kind, descriptor, number)}, []
                case {"op": "page", "index": int(index), "redraw": bool(redraw)} if self._document is not None:
                    return protocol.frame_of(self._document.page(index, redraw=redraw))
                case {"op": "fields", "day": str(day)} if descriptor is not None:
                    return {"reading": self._fields(descriptor, date.fromisoformat(day))}, []
                case {"op": "clean", "kind": str(kind), "number": int(number)} if descriptor is not None:
                    return {"parts": self._clean(kind, descriptor, number)}, []
                case _:
                    self._close()
                    return {"rss_mb": log.rss_mb()}, []
        except BadFile as exc:
            return reports.report_of(exc), []
        except MemoryError:
            os._exit(resource_limits.MEMORY_EXIT)
        except Exception as exc:
            # Nothing but the file can be the cause, and the same file will do the same again.
            return reports.failure_of(exc), []

    def _open(self, kind: str, descriptor: int, number: int) -> int:
        self._close()
        self._descriptor = descriptor
        try:
            self._document = open_document(kind, FileBytes.of(descriptor), number)
            return self._document.page_count
        except BaseException:
            self._close()
            raise

    def _fields(self, descriptor: int, day: date) -> dict[str, Any]:
        """Return the fields of a bill, from the words of its pages, one page a line, and the day of the submission."""
        from intake.extraction import read_bill

        self._close()
        with os.fdopen(descriptor, "rb") as words:
            words.seek(0)
            return read_bill([PageWords.from_dict(json.loads(line)) for line in words], day).to_document()

    def _clean(self, kind: str, descriptor: int, number: int) -> list[Any]:
        """Return the parts of a picture without its metadata."""
        from intake.pages.metadata import Unreadable, without_location

        try:
            with FileBytes.of(descriptor) as data:
                return protocol.message_of_parts(without_location(kind, data))
        except Unreadable as exc:
            raise LocationNotRemoved(number) from exc
        finally:
            os.close(descriptor)

    def _close(self) -> None:
        document, self._document = self._document, None
        descriptor, self._descriptor = self._descriptor, None
        if document is not None:
            document.close()
        if descriptor is not None:
            os.close(descriptor)


def main() -> None:
    """Load the libraries, take on the limits, give up all else and serve."""
    parent, described = sys.argv[1:]
    resource_limits.end_with_parent(int(parent))
    limits = WorkerLimits(**json.loads(described))
    if limits.preload:
        # Now, not with the first file: nobody waits while the parent is still starting.
        import intake.extraction
        import intake.pages.heic
        import intake.pages.pdf  # noqa: F401

    gc.freeze()
    with socket.socket(fileno=os.dup(0)) as channel:
        limited = resource_limits.limit_memory(limits.memory_bytes)
        protocol.send(channel, {"memory_limited": limited, "gaps": syscalls.apply_filter()})
        Worker(channel, limits).serve()


if __name__ == "__main__":
    main()
