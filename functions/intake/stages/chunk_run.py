"""One run of `ocr` over the pages of a chunk: drawn one at a time, read a few at a time, saved as each is done."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from typing import TYPE_CHECKING

from intake import log, objects
from intake.errors import BrokenFile
from intake.model import Intake, Word
from intake.pages import Document
from intake.pages.content import PageContent
from intake.ports import Bucket, PictureRefused, Sandbox
from intake.stages.chunk_lease import PAGES_S, Lease
from intake.stages.page_plan import Place, done_pages

if TYPE_CHECKING:
    from intake.stages.ocr import Ocr

WATCH_EVERY_S = 1.0


class ChunkRun:
    """One run over the pages of a chunk: this thread opens and draws them, a few others wait for the OCR."""

    def __init__(self, ocr: Ocr, intake: Intake, event_id: str, files: Files, lease: Lease, done: int) -> None:
        self._ocr = ocr
        self._intake = intake
        self._event_id = event_id
        self._files = files
        self._lease = lease
        self._pay = lease.payer(PAGES_S)
        self._done = done
        self._shown_at = ocr.clock.monotonic()
        self._pending: dict[Future[bool], tuple[_Page, int]] = {}

    def read(self, places: Sequence[Place]) -> bool:
        """Read and save pages, one at least, until the run has had its share; return whether these were all."""
        begun = 0
        with ThreadPoolExecutor(self._ocr.calls_in_flight, thread_name_prefix="vision") as pool:
            try:
                while begun < len(places) and not (begun and self._lease.had_its_share):
                    self._start(pool, places[begun], redraw=False)
                    begun += 1
                while self._pending:
                    self._collect(pool)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return begun == len(places)

    def _start(self, pool: ThreadPoolExecutor, place: Place, *, redraw: bool, calls: int = 0) -> None:
        """Have a page drawn and its pictures read.

        Args:
            pool: Threads that wait for the OCR.
            place: Where the page is found.
            redraw: See `Document.page`.
            calls: Calls of the OCR that were made for the page before.
        """
        content = self._files.open(place.file).page(place.index, redraw=redraw)
        page = _Page(place, content, calls, self._ocr.clock.monotonic())
        sizes = [len(piece.picture) for piece in page.content.pieces]
        for number, size in enumerate(sizes or [0]):
            while self._pending and not self._has_room(size):
                self._collect(pool)
            if page.given_up:  # The OCR refused one of its pictures meanwhile.
                return
            if sizes:
                page.calls += 1
                self._lease.count_call()
            self._pending[pool.submit(self._read if sizes else self._save, page, number)] = (page, size)

    def _has_room(self, size: int) -> bool:
        in_flight = sum(size for _, size in self._pending.values())
        return len(self._pending) < self._ocr.calls_in_flight and in_flight + size <= self._ocr.bytes_in_flight

    def _collect(self, pool: ThreadPoolExecutor) -> None:
        """Wait for at least one picture; a page with one whose own bytes the OCR refused is drawn and tried again."""
        finished: set[Future[bool]] = set()
        while not finished:
            self._lease.watch()
            finished, _ = wait(self._pending, timeout=WATCH_EVERY_S, return_when=FIRST_COMPLETED)
        # All are taken out first: starting one again may collect others meanwhile, and must not find these.
        for future, (page, _) in [(future, self._pending.pop(future)) for future in finished]:
            try:
                saved = future.result()
            except _RefusedAsIs:
                if not page.given_up:
                    page.given_up = True
                    self._start(pool, page.place, redraw=True, calls=page.calls)
                continue
            if saved:
                self._pay(page.own_s)  # Words piled up by the thousand take as long as a page to draw.
                self._done += 1
                self._show()

    def _read(self, page: _Page, number: int) -> bool:
        """Recognize a picture of a page, and save the page if it was the last one; runs in a thread of the pool.

        Returns:
            Whether the page is saved.
        """
        try:
            found = self._ocr.vision.words(page.content.pieces[number].picture)
        except PictureRefused as exc:
            if page.content.source == "picture":
                raise _RefusedAsIs from exc
            raise BrokenFile(page.place.file + 1) from exc
        return page.is_complete_with(number, found) and self._save(page, number)

    def _save(self, page: _Page, _: int) -> bool:
        """Save the words of a page; runs in a thread of the pool."""
        began = time.thread_time()
        words = page.content.with_recognised(page.place.page, page.recognised)
        document = words.to_dict()
        page.own_s = time.thread_time() - began
        self._ocr.bucket.write_json(objects.words_object(self._intake.id, page.place.page), document)
        log.info(
            "page read",
            intake_id=self._intake.id,
            event_id=self._event_id,
            page=page.place.page,
            source=page.content.source,
            ocr_calls=page.calls,
            words=len(words.words),
            ms=round((self._ocr.clock.monotonic() - page.started) * 1000),
        )
        recognised = [word.confidence for found in page.recognised for word in found]
        if recognised and not any(recognised):  # nothing read there can be reported: is Vision still asked for them?
            log.warning("the OCR returned no confidences", intake_id=self._intake.id, page=page.place.page)
        return True

    def _show(self) -> None:
        """Show progress, about once a second at most."""
        now = self._ocr.clock.monotonic()
        if now - self._shown_at < 1:
            return
        self._shown_at = now
        if self._intake.pages > self._ocr.chunk_pages:  # Others read other chunks.
            self._ocr.store.show_pages_done(self._intake, lambda: len(done_pages(self._ocr.bucket, self._intake.id)))
        elif self._done < self._intake.pages:
            self._ocr.store.show_pages_done(self._intake, lambda: self._done)


class _Page:
    """A page whose pictures are with the OCR.

    Attributes:
        place: Where it is found.
        content: What is to be read on it.
        calls: Calls of the OCR that were begun for it.
        recognised: The words of each of its pictures that is read.
        given_up: Whether another try takes its place.
        started: When it was drawn, in the monotonic seconds of the clock.
        own_s: Seconds of processor time that putting its words together took.
    """

    def __init__(self, place: Place, content: PageContent, calls: int, started: float) -> None:
        self.place = place
        self.content = content
        self.calls = calls
        self.recognised: list[Sequence[Word]] = [()] * len(content.pieces)
        self.given_up = False
        self.started = started
        self.own_s = 0.0
        self._missing = len(content.pieces)
        self._lock = threading.Lock()

    def is_complete_with(self, number: int, found: Sequence[Word]) -> bool:
        """Take the words of a picture; tell whether it was the last one."""
        with self._lock:
            self.recognised[number] = found
            self._missing -= 1
            return not self._missing


class _RefusedAsIs(Exception):
    """The OCR refused a picture's own bytes; decoded and encoded again they may do."""


class Files:
    """The files of an intake, of which one at a time is here: in a file without a name, which is memory in production."""

    def __init__(self, bucket: Bucket, sandbox: Sandbox, intake: Intake, lease: Lease) -> None:
        self._bucket = bucket
        self._sandbox = sandbox
        self._intake = intake
        self._pay = lease.payer(PAGES_S)
        self._open: tuple[int, Document, ExitStack] | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._intake.files)

    def open(self, index: int) -> Document:
        """Return a file, opened; the one before is closed."""
        if self._open is not None and self._open[0] == index:
            return self._open[1]
        self._close()
        stored = self._intake.files[index]
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            self._bucket.fetch(stored.object, file)
            document = self._sandbox.open(stored.kind, file, index + 1, self._pay)
            stack.callback(document.close)
            self._open = (index, document, stack.pop_all())
        return document

    def _close(self) -> None:
        if self._open is not None:
            self._open[2].close()
            self._open = None

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()
