"""Parses untrusted input in another process, so that a hostile file harms only itself.

The functions load no library that parses files, and read no words. A worker process does (`worker`), under limits of memory
and time (`limits`). How the worker ends shows whose fault it was:

    out of memory or processor time, or crashed   the file's: the intake fails with that reason
    anything else                                 ours: tried once more, then the message is delivered again

In any case the next file gets a new worker. Files are handed over open, not copied; pages come back one at a time.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import IO, TYPE_CHECKING, Any, TypeVar

from intake import errors, log
from intake.errors import BadFile, BrokenFile, LocationNotRemoved, WorkerLost
from intake.pages import Document
from intake.pages.content import PageContent
from intake.pages.sandbox import protocol, reports
from intake.pages.sandbox.limits import WorkerLimits
from intake.pages.sandbox.process import Answer, Pay, WorkerEnded, WorkerProcess, pay_nothing

if TYPE_CHECKING:
    from intake.extraction import Reading
    from intake.pages.metadata import Part

_R = TypeVar("_R")


class SandboxClient:
    """Has a worker process parse files and words. One per process of a function, used by one thread at a time.

    The worker starts when first needed, or earlier by `warm`. It is replaced when it has ended or grown too large.

    Args:
        limits: What a file may take.

    Attributes:
        limits: The same.
        held: The document that the worker has open.
    """

    def __init__(self, limits: WorkerLimits | None = None) -> None:
        self.limits = limits or WorkerLimits()
        # The kernel ends the worker with the thread that started it (prctl(2)), so that thread must live as long as we do.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="sandbox")
        self._lock = threading.Lock()
        self._process: WorkerProcess | None = None
        self.held: _Remote | None = None

    def warm(self) -> WorkerProcess:
        """Start the worker if there is none. Returns at once, while the worker still loads its libraries."""
        with self._lock:
            if self._process is None:
                self._process = self._starter.submit(WorkerProcess, self.limits).result()
            return self._process

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, or None if there is none."""
        return self._process.pid if self._process else None

    def open(self, kind: str, file: IO[bytes], number: int, pay: Pay = pay_nothing) -> Document:
        """Open one file.

        Args:
            kind: What its bytes say it is; see `filetypes`.
            file: Holds all of its bytes, in a file that is not changed any more and stays open as long as the document.
            number: 1-based position in the submission, for error sentences.
            pay: Called with the processor time used for the document; raises to stop work that takes too much.

        Raises:
            BadFile: It cannot be opened, is encrypted, has no page or too large a picture, or took too much to open.
            WorkerLost: The worker was ended by something else, twice.
        """
        file.flush()
        return _Remote(self, kind, file, number, pay)

    def read_fields(self, words: IO[bytes], day: date, pay: Pay = pay_nothing) -> Reading | None:
        """Extract the fields of a bill from its words.

        Args:
            words: A file with one page a line, see `PageWords.to_dict`.
            day: The day of the submission.
            pay: As for `open`.

        Returns:
            What was read, or None if it took longer than it does for any bill or our program failed on the words.

        Raises:
            WorkerLost: The worker was ended by something else, twice.
        """
        from intake.extraction.checked import checked

        words.flush()

        def read() -> Answer:
            self.held = None
            return self.said({"op": "fields", "day": day.isoformat()}, words, 1, pay)

        try:
            answer, _ = self.twice(read, 1)
            reading = checked(answer.get("reading"))
        except (BadFile, ValueError) as exc:
            log.error("extraction failed; the row is written without fields", code=getattr(exc, "code", "garbled"))
            return None
        self._tidy()
        return reading

    def clean(self, kind: str, file: IO[bytes], number: int, pay: Pay = pay_nothing) -> list[Part]:
        """Return a picture without metadata that may show where it was taken; see `intake.pages.metadata`.

        Args:
            kind: What its bytes say it is; see `filetypes`.
            file: Holds all of its bytes.
            number: 1-based position in the submission, for error sentences.
            pay: As for `open`.

        Raises:
            LocationNotRemoved: The picture's structure does not allow it.
            WorkerLost: The worker was ended by something else, twice.
        """
        file.flush()

        def clean() -> Answer:
            return self.said({"op": "clean", "kind": kind, "number": number}, file, number, pay)

        try:
            answer, _ = self.twice(clean, number)
            return protocol.parts_of(answer.get("parts"), os.fstat(file.fileno()).st_size)
        except (BadFile, protocol.ProtocolError) as exc:
            raise LocationNotRemoved(number) from exc

    def ask(self, request: Mapping[str, Any], file: IO[bytes] | None = None, pay: Pay = pay_nothing) -> Answer:
        """Send the worker a request and return its answer.

        Raises:
            WorkerEnded: There is none.
        """
        try:
            return self.warm().ask(request, file, pay)
        except WorkerEnded as end:
            log.warning("the worker that opens files ended", status=end.status)
            self.close()
            raise
        except BaseException:
            self.close()  # It may still be at work.
            raise

    def said(self, request: Mapping[str, Any], file: IO[bytes] | None, number: int, pay: Pay) -> Answer:
        """Ask the worker about a file; raise the error that it reports.

        Raises:
            BadFile: That.
            WorkerEnded: It did not answer.
        """
        answer, picture = self.ask(request, file, pay)
        if "bad_file" not in answer:
            return answer, picture
        if bad_file := reports.bad_file_of(request["op"], answer, number):
            raise bad_file
        log.error("our program failed on a file", **reports.loggable(answer))
        raise BrokenFile(number)

    def twice(self, step: Callable[[], _R], number: int) -> _R:
        """Take a step; take it once more if the worker was lost and the file was not the cause."""
        try:
            return step()
        except WorkerEnded as end:
            if (bad_file := end.bad_file(number, self.limits)) is not None:
                raise bad_file from end
            if end.status is None:  # It has used up its time.
                raise WorkerLost from end
        try:
            return step()
        except WorkerEnded as end:
            raise end.bad_file(number, self.limits) or WorkerLost() from end

    def release(self, document: _Remote) -> None:
        """Have the worker close a document."""
        if self.held is document:
            self.held = None
            self._tidy()

    def _tidy(self) -> None:
        """Have the worker release what it holds; replace one that has grown too large."""
        with contextlib.suppress(WorkerEnded):  # Then it holds nothing any more.
            answer, _ = self.ask({"op": "close"})
            rss_mb = answer.get("rss_mb")
            if not isinstance(rss_mb, int) or rss_mb > self.limits.kept_rss_mb:
                log.info(
                    "the worker that opens files is replaced", worker_rss_mb=rss_mb if isinstance(rss_mb, int) else None
                )
                self.close()
                self.warm()

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            process, self._process, self.held = self._process, None, None
        if process is not None:
            process.end()


class _Remote:
    """A document that the worker opens, and that a new worker opens again."""

    def __init__(self, sandbox: SandboxClient, kind: str, file: IO[bytes], number: int, pay: Pay) -> None:
        self._opener = sandbox
        self._kind = kind
        self._file = file
        self._number = number
        self._pay = pay
        self.page_count = 0
        self._opener.twice(self._open, number)

    def page(self, index: int, *, redraw: bool = False) -> PageContent:
        """Return what is to be read on a page; see `intake.pages.Document`."""

        def draw() -> Answer:
            self._open()
            request = {"op": "page", "index": index, "redraw": redraw}
            return self._opener.said(request, None, self._number, self._pay)

        try:
            return protocol.content_of(*self._opener.twice(draw, self._number))
        except protocol.ProtocolError as exc:
            raise errors.FileCrashesReader(self._number) from exc

    def close(self) -> None:
        """Release the memory."""
        self._opener.release(self)

    def _open(self) -> None:
        if self._opener.held is not self:
            self._opener.held = None
            request = {"op": "open", "kind": self._kind, "number": self._number}
            answer, _ = self._opener.said(request, self._file, self._number, self._pay)
            pages = answer.get("pages")
            if not isinstance(pages, int) or pages < 1:
                raise errors.FileCrashesReader(self._number)
            self.page_count = pages
            self._opener.held = self
