"""The `ocr` stage: a bill's pages become words, a chunk of pages at a time, each page saved as soon as it is read.

    message (intake, chunk 0) ── claim ── count pages ── nudge the next few chunks ──┐
    message (intake, chunk n) ── claim ──────────────────────────────────────────────┤
                                             per page: words, or picture ▶ Vision; saved; progress
                                             chunk done, or the run had its share ▶ nudge the next chunk, or this one again
                                             last page of all in ▶ intake is read ▶ nudge `record`

Which pages are done is not counted anywhere: it is the set of page objects in Storage, so a page that is read twice
changes nothing, and a run that takes over skips what it finds.

No bill stands in another's way: it has a few messages in the queue at a time, and a run that takes long hands the rest
of its chunk on as a new message, which stands behind what came meanwhile. If such a message is lost, the sweeper sends it.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from intake import log, objects
from intake.errors import BrokenFile, FileError, IntakeError, LeaseLost, OutOfTime, QuotaError, TooManyPages
from intake.model import Intake, Status, Word
from intake.pages import Document
from intake.pages.content import PageContent
from intake.ports import Bucket, OcrEngine, PictureRefused, Sandbox, Store, Tasks
from intake.stages.chunk_lease import BILL_S, PAGES_S, SLICE_S, Lease

if TYPE_CHECKING:
    from intake.pages.sandbox.process import Pay

WATCH_EVERY_S = 1.0
BYTES_IN_FLIGHT = 12_000_000
"""Maximum bytes of pictures that are being sent at once: each is in memory about four times until the answer is there."""


@dataclass(frozen=True)
class Place:
    """Where a page of the submission is found.

    Attributes:
        page: 1-based number within the submission.
        file: 0-based index of the file.
        index: 0-based index within the file.
    """

    page: int
    file: int
    index: int


def page_places(file_pages: Sequence[int], pages: range) -> list[Place]:
    """Return where some pages are found.

    Args:
        file_pages: Pages of each file.
        pages: 1-based numbers within the submission.
    """
    every = [(file, index) for file, count in enumerate(file_pages) for index in range(count)]
    return [Place(page, *every[page - 1]) for page in pages]


def done_pages(bucket: Bucket, intake_id: str) -> set[int]:
    """Return the pages whose words are saved.

    Raises:
        TemporaryError: Storage did not answer.
    """
    return {objects.page_of(name) for name in bucket.names(objects.words_prefix(intake_id))}


def next_chunks(done: Collection[int], pages: int, chunk_pages: int, in_flight: int) -> list[int]:
    """Return the chunks to be read next, in order: one at most of each lane, of which there are `in_flight`.

    Chunk n is in lane n % in_flight. Each lane is gone along by itself, so that no two runs send for the same chunk.

    Args:
        done: 1-based numbers of the pages that are read.
        pages: How many there are.
        chunk_pages: Most pages of one chunk.
        in_flight: Most chunks of a submission at once.
    """
    first: dict[int, int] = {}
    for page in range(1, pages + 1):
        if page not in done:
            chunk = (page - 1) // chunk_pages
            first.setdefault(chunk % in_flight, chunk)
    return list(first.values())


def delete_files(bucket: Bucket, intake: Intake) -> None:
    """Delete the files and words of an intake that was refused.

    Raises:
        TemporaryError: Storage did not answer.
    """
    bucket.delete_all(objects.bills_prefix(intake.id))
    bucket.delete_all(objects.words_prefix(intake.id))


@dataclass(frozen=True)
class Ocr:
    """Reads chunks of pages.

    Attributes:
        store: The intakes.
        bucket: Their files and words.
        tasks: Wakes other chunks and `record`.
        vision: The OCR.
        sandbox: Opens the files.
        chunk_pages: Most pages of one chunk.
        chunks_in_flight: Most chunks of a submission that are being read or waiting for it at once.
        calls_in_flight: Most OCR calls at once.
        max_pages: Most pages of a submission.
        lease_s: Seconds until a claimed chunk that is not renewed may be claimed by another run.
        extract_fields: Reads the fields of an intake whose pages are all saved, paying for the time, and makes its row due.
            Takes the intake, how to pay, and the number of OCR calls. False if another run did it first.
        run_s: Seconds after which a run stops by itself and the next delivery goes on. What it waits for then (the OCR at most
            two minutes) must have ended when the platform's time is over: its threads would go on, and hold the lock.
        bytes_in_flight: Most bytes of pictures that are being sent at once; a larger one goes alone.
        clock: Monotonic seconds.
        take_pages: Told the pages of an intake once they are counted; raises where they are too many for the day.
    """

    store: Store
    bucket: Bucket
    tasks: Tasks
    vision: OcrEngine
    sandbox: Sandbox
    chunk_pages: int
    chunks_in_flight: int
    calls_in_flight: int
    max_pages: int
    lease_s: float
    extract_fields: Callable[[Intake, Pay, int], bool]
    run_s: float = 400.0
    bytes_in_flight: int = BYTES_IN_FLIGHT
    clock: Callable[[], float] = time.monotonic
    take_pages: Callable[[Intake, int], None] = lambda _intake, _pages: None
    # The platform sends one event at a time, but the server has more threads than one, and there is one worker.
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read_chunk(self, intake_id: str, chunk: int, event_id: str) -> None:
        """Read one chunk of an intake's pages, or as much of it as one run may; then wake what comes next.

        Args:
            intake_id: The intake.
            chunk: 0-based number of the chunk.
            event_id: Id of the message, the same for each of its deliveries.

        Raises:
            TemporaryError: Something we depend on failed; deliver again.
        """
        until = self.clock() + self.run_s
        if not self._one_at_a_time.acquire(timeout=self.run_s):
            raise OutOfTime
        try:
            self._read_chunk(intake_id, chunk, event_id, until)
        finally:
            self._one_at_a_time.release()

    def _read_chunk(self, intake_id: str, chunk: int, event_id: str, until: float) -> None:
        intake = self.store.intake(intake_id)
        if intake is None or intake.status not in (Status.WAITING, Status.READING):
            log.info("nothing to read", intake_id=intake_id, event_id=event_id, chunk=chunk)
            return
        held = self.store.claim_chunk(intake_id, chunk, event_id, self.lease_s, SLICE_S)
        if held is None:
            log.info("another run is reading this chunk", intake_id=intake_id, event_id=event_id, chunk=chunk)
            return
        lease = Lease(self.store, held, self.lease_s, until, self.clock)
        try:
            further = self._read_claimed(intake, chunk, event_id, lease)
            if further is not None:
                lease.give_back()  # Other chunks share what may be spent on this bill.
                self.tasks.ocr(intake_id, further)  # Not before: whoever is woken must find this one free.
        except LeaseLost:
            log.info("another run took this chunk over", intake_id=intake_id, event_id=event_id, chunk=chunk)
        except (FileError, QuotaError) as exc:
            self._refuse(intake, exc, lease.calls(alone=False))
        except BaseException:
            with contextlib.suppress(LeaseLost):
                lease.give_back()
            raise

    def _read_claimed(self, intake: Intake, chunk: int, event_id: str, lease: Lease) -> list[int] | None:
        """Read a claimed chunk; return which chunk to wake next, if any, or None when the bill has come to its end."""
        with _Files(self.bucket, self.sandbox, intake, lease) as files:
            fresh = intake.status is Status.WAITING
            if fresh:
                file_pages = self._count_pages(files)
                self.take_pages(intake, sum(file_pages))
                if self.store.start_reading(intake, file_pages):
                    intake = replace(intake, status=Status.READING, file_pages=file_pages)
                else:
                    again = self.store.intake(intake.id)
                    if again is None or again.status is not Status.READING:
                        return None  # It was ended while its pages were counted.
                    intake, fresh = again, False
            first = chunk * self.chunk_pages + 1
            wanted = range(first, min(first + self.chunk_pages, intake.pages + 1))
            # Nobody saves a page before the pages are counted, which was just now.
            done = set() if fresh else done_pages(self.bucket, intake.id)
            if chunk == 0 and done.isdisjoint(wanted):
                # Also on a redelivery: the first run may have died before it woke the others. Claims sort out doubles.
                self.tasks.ocr(intake.id, [other for other in self._next_chunks(intake, done) if other != 0])
            places = [place for place in page_places(intake.file_pages, wanted) if place.page not in done]
            whole = _ChunkRun(self, intake, event_id, files, lease, len(done)).read(places)
        # Only other chunks can have left some pages out now, unless this run had its share.
        alone = len(wanted) == intake.pages
        if not (alone and whole):
            done = done_pages(self.bucket, intake.id)
            if further := self._next_chunks(intake, done):
                return [other for other in further if (other - chunk) % self.chunks_in_flight == 0]
        if self.extract_fields(intake, lease.payer(BILL_S), lease.calls(alone=alone)):
            self.tasks.sheet(intake.id)
        return None

    def _next_chunks(self, intake: Intake, done: Collection[int]) -> list[int]:
        return next_chunks(done, intake.pages, self.chunk_pages, self.chunks_in_flight)

    def _count_pages(self, files: _Files) -> list[int]:
        counts: list[int] = []
        for index in range(files.count):
            counts.append(files.open(index).page_count)
            if sum(counts) > self.max_pages:
                raise TooManyPages(pages=sum(counts), limit=self.max_pages)
        return counts

    def _refuse(self, intake: Intake, error: IntakeError, calls: int) -> None:
        """End the intake with the reason, then delete its files: a refused submission leaves nothing behind.

        Another run, of another chunk or of the same message delivered twice, may still save a page after this. So the
        upload stays written down, and the sweeper deletes once more when no run can be left.
        """
        if not self.store.fail(intake, error, calls, discard_files=True):
            return  # It had ended before, and whoever ended it has looked after its files.
        log.warning("intake failed", intake_id=intake.id, code=error.code)
        delete_files(self.bucket, intake)


class _ChunkRun:
    """One run over the pages of a chunk: this thread has them opened and drawn, a few others wait for the OCR."""

    def __init__(self, ocr: Ocr, intake: Intake, event_id: str, files: _Files, lease: Lease, done: int) -> None:
        self._ocr = ocr
        self._intake = intake
        self._event_id = event_id
        self._files = files
        self._lease = lease
        self._pay = lease.payer(PAGES_S)
        self._done = done
        self._shown_at = ocr.clock()
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
        page = _Page(place, self._files.open(place.file).page(place.index, redraw=redraw), calls)
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
        """Recognise a picture of a page, and save the page if it was the last one; runs in a thread of the pool.

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
            ms=round((time.perf_counter() - page.started) * 1000),
        )
        recognised = [word.confidence for found in page.recognised for word in found]
        if recognised and not any(recognised):  # nothing read there can be reported: is Vision still asked for them?
            log.warning("the OCR returned no confidences", intake_id=self._intake.id, page=page.place.page)
        return True

    def _show(self) -> None:
        """Show progress, about once a second at most."""
        now = self._ocr.clock()
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
        started: When it was drawn, on the performance counter.
        own_s: Seconds of processor time that putting its words together took.
    """

    def __init__(self, place: Place, content: PageContent, calls: int) -> None:
        self.place = place
        self.content = content
        self.calls = calls
        self.recognised: list[Sequence[Word]] = [()] * len(content.pieces)
        self.given_up = False
        self.started = time.perf_counter()
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


class _Files:
    """The files of an intake, of which one at a time is here: in a file without a name, which is memory in production."""

    def __init__(self, bucket: Bucket, sandbox: Sandbox, intake: Intake, lease: Lease) -> None:
        self._bucket = bucket
        self._opener = sandbox
        self._intake = intake
        self._pay = lease.payer(PAGES_S)
        self._open: tuple[int, Document, ExitStack] | None = None

    @property
    def count(self) -> int:
        return len(self._intake.files)

    def open(self, index: int) -> Document:
        if self._open is not None and self._open[0] == index:
            return self._open[1]
        self._close()
        stored = self._intake.files[index]
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile())
            self._bucket.fetch(stored.object, file)
            document = self._opener.open(stored.kind, file, index + 1, self._pay)
            stack.callback(document.close)
            self._open = (index, document, stack.pop_all())
        return document

    def _close(self) -> None:
        if self._open is not None:
            self._open[2].close()
            self._open = None

    def __enter__(self) -> _Files:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()
