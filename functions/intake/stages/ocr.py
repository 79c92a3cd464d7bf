"""The `ocr` stage: a bill's pages become words, a chunk of pages at a time, each page saved as soon as it is read.

    message (intake, chunk 0) ── claim ── count pages ── message the next chunks ────┐
    message (intake, chunk n) ── claim ──────────────────────────────────────────────┤
                                             per page: words, or picture ▶ Vision; saved; progress
                                             chunk done, or the run had its share ▶ message the next chunk, or this one again
                                             last page read ▶ fields extracted ▶ message `record`

Which pages are done is not counted anywhere: it is the set of page objects in Storage, so a page that is read twice
changes nothing, and a run that takes over skips what it finds.

No bill blocks another: each has only a few messages in the queue at a time, and a long run hands the rest of its chunk on as
a new message, behind those that came meanwhile. If such a message is lost, the sweeper sends it again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.errors import FileError, IntakeError, LeaseLost, OutOfTime, QuotaError, TooManyPages
from intake.model import Intake, Status
from intake.stages.chunk_lease import BILL_S, SLICE_S, Lease
from intake.stages.chunk_run import ChunkRun, Files
from intake.stages.page_plan import delete_files, done_pages, next_chunks, page_places

if TYPE_CHECKING:
    from intake.ports import Bucket, Clock, Gate, OcrEngine, Sandbox, Store, Tasks
    from intake.stages.extract import Extract

BYTES_IN_FLIGHT = 12_000_000
"""Maximum bytes of pictures that are being sent at once: each is in memory about four times until the answer is there."""


@dataclass(frozen=True, kw_only=True)
class Ocr:
    """Reads chunks of pages.

    Attributes:
        store: The intakes.
        bucket: Their files and words.
        tasks: Sends messages for other chunks and `record`.
        vision: The OCR.
        sandbox: Opens the files.
        chunk_pages: Most pages of one chunk.
        chunks_in_flight: Most chunks of a submission that are being read or waiting for it at once.
        calls_in_flight: Maximum OCR calls at once.
        max_pages: Most pages of a submission.
        lease_s: Seconds until a claimed chunk that is not renewed may be claimed by another run.
        extract: Reads the fields of an intake whose pages are all saved, and makes its row due.
        admission: Refuses an intake that has too many pages for the day, once they are counted.
        run_s: Seconds after which a run stops by itself and the next delivery goes on. What it waits for then (the OCR at most
            two minutes) must have ended when the platform's time is over: its threads would go on, and hold the lock.
        bytes_in_flight: Maximum bytes of pictures that are being sent at once; a larger one goes alone.
        clock: The time.
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
    extract: Extract
    admission: Gate
    run_s: float = 400.0
    bytes_in_flight: int = BYTES_IN_FLIGHT
    clock: Clock = SYSTEM_CLOCK
    # The platform sends one event at a time, but the server has more threads than one, and there is one worker.
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def read_chunk(self, intake_id: str, chunk: int, event_id: str) -> None:
        """Read one chunk of an intake's pages, or as much of it as one run may; then send the next message.

        Args:
            intake_id: The intake.
            chunk: 0-based number of the chunk.
            event_id: Id of the message, the same for each of its deliveries.

        Raises:
            TemporaryError: Something we depend on failed; deliver again.
        """
        until = self.clock.monotonic() + self.run_s
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
                self.tasks.ocr(intake_id, further)  # Not before: the next run must find this chunk free.
        except LeaseLost:
            log.info("another run took this chunk over", intake_id=intake_id, event_id=event_id, chunk=chunk)
        except (FileError, QuotaError) as exc:
            self._refuse(intake, exc, lease.calls(alone=False))
        except BaseException:
            with contextlib.suppress(LeaseLost):
                lease.give_back()
            raise

    def _read_claimed(self, intake: Intake, chunk: int, event_id: str, lease: Lease) -> list[int] | None:
        """Read a claimed chunk; return which chunks are next, if any, or None when the bill is finished."""
        with Files(self.bucket, self.sandbox, intake, lease) as files:
            fresh = intake.status is Status.WAITING
            if fresh:
                file_pages = self._count_pages(files)
                self.admission.take_pages(intake, sum(file_pages))
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
                # Also on a redelivery: the first run may have died before it sent the messages for the others.
                # Claims handle duplicates.
                self.tasks.ocr(intake.id, [other for other in self._next_chunks(intake, done) if other != 0])
            places = [place for place in page_places(intake.file_pages, wanted) if place.page not in done]
            whole = ChunkRun(self, intake, event_id, files, lease, len(done)).read(places)
        # Only other chunks can have left some pages out now, unless this run had its share.
        alone = len(wanted) == intake.pages
        if not (alone and whole):
            done = done_pages(self.bucket, intake.id)
            if further := self._next_chunks(intake, done):
                return [other for other in further if (other - chunk) % self.chunks_in_flight == 0]
        if self.extract.extract(intake, lease.payer(BILL_S), lease.calls(alone=alone)):
            self.tasks.sheet(intake.id)
        return None

    def _next_chunks(self, intake: Intake, done: Collection[int]) -> list[int]:
        return next_chunks(done, intake.pages, self.chunk_pages, self.chunks_in_flight)

    def _count_pages(self, files: Files) -> list[int]:
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
            return  # It had ended before; the run that ended it has deleted its files.
        log.warning("intake failed", intake_id=intake.id, code=error.code)
        delete_files(self.bucket, intake)
