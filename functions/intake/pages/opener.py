"""Opening the files of a submission in another process, so that one made to do harm fails alone.

`ocr` itself loads no library that looks into a file. A worker process does (`worker`), under limits of memory and time
(`confinement`). How it ends says whose fault it was:

    out of memory or processor time, or crashed   the file's: the intake fails with that reason
    anything else                                 ours: tried once more, then the message is delivered again

In any case the next file gets a new worker. Files are handed over open, not copied; pages come back one at a time.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar

from intake import errors, log
from intake.errors import BadFile, BrokenFile, WorkerLost
from intake.pages import Document, wire
from intake.pages.confinement import WorkerLimits
from intake.pages.content import PageContent
from intake.pages.worker_process import Answer, WorkerEnded, WorkerProcess

_BAD_FILES = {
    error.code: error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, BadFile)
}
_R = TypeVar("_R")


class Opener:
    """Opens documents in a worker process, one at a time; one Opener per process of `ocr`, used by one thread at a time.

    The worker is started when first needed, or ahead of time by `warm`, and replaced when it ended or has grown.

    Args:
        limits: What a file may take.

    Attributes:
        limits: The same.
        held: The document that the worker has open.
    """

    def __init__(self, limits: WorkerLimits | None = None) -> None:
        self.limits = limits or WorkerLimits()
        # The kernel ends the worker with the thread that started it (prctl(2)), so that thread must live as long as we do.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="opener")
        self._lock = threading.Lock()
        self._process: WorkerProcess | None = None
        self.held: _Remote | None = None

    def warm(self) -> WorkerProcess:
        """Start the worker where there is none; returns at once, while it still loads its libraries."""
        with self._lock:
            if self._process is None:
                self._process = self._starter.submit(WorkerProcess, self.limits).result()
            return self._process

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, None where there is none."""
        return self._process.pid if self._process else None

    def open(self, kind: str, file: IO[bytes], number: int) -> Document:
        """Open one file.

        Args:
            kind: What its bytes say it is; see `filetypes`.
            file: Holds all of its bytes, in a file that is not changed any more and stays open as long as the document.
            number: 1-based position in the submission, for error sentences.

        Raises:
            BadFile: It cannot be opened, is encrypted, has no page or too large a picture, or took too much to open.
            WorkerLost: The worker was ended by something else, twice.
        """
        file.flush()
        return _Remote(self, kind, file, number)

    def ask(self, request: Mapping[str, Any], file: IO[bytes] | None = None) -> Answer:
        """Send the worker a request and return its answer; for documents.

        Raises:
            WorkerEnded: There is none.
        """
        try:
            return self.warm().ask(request, file)
        except WorkerEnded as end:
            log.warning("the worker that opens files ended", status=end.status)
            self.close()
            raise

    def let_go(self, document: _Remote) -> None:
        """Have the worker close a document; a worker that has grown is replaced."""
        if self.held is not document:
            return
        self.held = None
        with contextlib.suppress(WorkerEnded):  # Then it holds nothing any more, which is what was asked for.
            answer, _ = self.ask({"op": "close"})
            if answer.get("rss_mb", 0) > self.limits.kept_rss_mb:
                log.info("the worker that opens files is replaced", worker_rss_mb=answer["rss_mb"])
                self.close()
                self.warm()

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            process, self._process, self.held = self._process, None, None
        if process is not None:
            process.end()


class _Remote:
    """A document that the worker opens, and opens again after it had to be replaced."""

    def __init__(self, opener: Opener, kind: str, file: IO[bytes], number: int) -> None:
        self._opener = opener
        self._kind = kind
        self._file = file
        self._number = number
        self.page_count = 0
        self._twice(self._open)

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        """Return what is to be read on a page; see `intake.pages.Document`."""

        def draw() -> Answer:
            self._open()
            return self._ask({"op": "page", "index": index, "redraw": redraw})

        try:
            return wire.content_of(*self._twice(draw))
        except wire.Garbled as exc:
            raise errors.FileStopsProgram(self._number) from exc

    def close(self) -> None:
        """Give back the memory."""
        self._opener.let_go(self)

    def _open(self) -> None:
        if self._opener.held is not self:
            self._opener.held = None
            answer, _ = self._ask({"op": "open", "kind": self._kind, "number": self._number}, self._file)
            self.page_count = int(answer["pages"])
            self._opener.held = self

    def _ask(self, request: Mapping[str, Any], file: IO[bytes] | None = None) -> Answer:
        answer, pictures = self._opener.ask(request, file)
        if "bad_file" not in answer:
            return answer, pictures
        kind = _BAD_FILES.get(answer["bad_file"])
        if kind is None:
            log.error("a file made its reader stumble", exception=answer.get("exception"), stack=answer.get("stack"))
            raise BrokenFile(self._number)
        raise kind(self._number, **answer["details"])

    def _twice(self, step: Callable[[], _R]) -> _R:
        """Take a step; once more if the worker was lost meanwhile by no fault of the file."""
        try:
            return step()
        except WorkerEnded as end:
            if (bad_file := end.bad_file(self._number, self._opener.limits)) is not None:
                raise bad_file from end
            if end.status is None:  # It had all the time there is.
                raise WorkerLost from end
        try:
            return step()
        except WorkerEnded as end:
            raise end.bad_file(self._number, self._opener.limits) or WorkerLost() from end
