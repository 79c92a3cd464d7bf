"""The `sweep` stage: resumes what stopped, fails what cannot go on with a reason, and deletes abandoned uploads.

It runs every minute and only ever looks at intakes whose `check_at` has passed: each step sets it ahead, so an intake
that makes progress is never seen. Resuming one twice is harmless, since every step first checks what is done.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from intake import log, objects
from intake.clock import SYSTEM_CLOCK
from intake.errors import GaveUp, IntakeError
from intake.model import Intake, Status
from intake.stages.page_plan import delete_files, done_pages, next_chunks

if TYPE_CHECKING:
    from intake.office.list_sync import ListSync
    from intake.ports import Bucket, Clock, DeliveryQueue, Due, StaleUpload, Store, Tasks

BATCH = 200
"""Maximum intakes, and most uploads, of one sweep; the longest due come first and the rest is found a minute later."""
LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 20
"""More would only make a number too large for a time."""
UPLOAD_MAX_AGE = timedelta(hours=1)
"""An upload that runs longer is over: the platform ends every HTTP request after 60 minutes
(https://cloud.google.com/run/docs/configuring/request-timeout)."""


@dataclass(frozen=True)
class Swept:
    """What one sweep did.

    Attributes:
        woken: Intakes that were resumed.
        in_work: Intakes left alone because a run holds one of their chunks, or has just ended them.
        failed: Intakes that were given up.
        uploads: Abandoned uploads whose objects were deleted.
        deliveries: Deliveries that are due and were woken; one message takes all of them along.
        lists: Documents of the office's lists that were changed.
        errors: Intakes, uploads and lists that could not be handled this time.
    """

    woken: int = 0
    in_work: int = 0
    failed: int = 0
    uploads: int = 0
    deliveries: int = 0
    lists: int = 0
    errors: int = 0


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Resumes what stopped.

    Attributes:
        store: The intakes.
        bucket: Their files and words.
        tasks: Sends messages to `ocr` and `record`.
        chunk_pages: Most pages of one chunk.
        chunks_in_flight: Most chunks of an intake at once.
        stall_timeout_s: Seconds until a resumed intake is checked again; doubled each time without progress.
        max_attempts: Times in a row without progress after which an intake that is not read is given up.
        queues: What is due at the destinations besides the Sheet.
        lists: The office's lists; None without a Sheet.
        clock: The time.
    """

    store: Store
    bucket: Bucket
    tasks: Tasks
    chunk_pages: int
    chunks_in_flight: int
    stall_timeout_s: float
    max_attempts: int
    queues: Collection[DeliveryQueue] = ()
    lists: ListSync | None = None
    clock: Clock = SYSTEM_CLOCK

    def sweep(self) -> Swept:
        """Do one round.

        Returns:
            What was done.

        Raises:
            TemporaryError: Firestore could not even be asked.
        """
        now = self.clock.now()
        counts = dict.fromkeys(("woken", "in_work", "failed", "uploads", "deliveries", "lists", "errors"), 0)
        for due in self.store.due_for_check(now, BATCH):
            try:
                counts[self._look_at(due, now)] += 1
            except IntakeError as exc:
                counts["errors"] += 1
                log.error("intake not swept", exc, intake_id=due.intake.id)
        for upload in self.store.stale_uploads(now - UPLOAD_MAX_AGE, BATCH):
            try:
                self._delete_upload(upload)
                counts["uploads"] += 1
            except IntakeError as exc:
                counts["errors"] += 1
                log.error("abandoned upload not deleted", exc, intake_id=upload.intake_id)
        for what, errand in (("deliveries", self._wake_deliveries), ("lists", self._take_lists)):
            try:
                counts[what] += errand(now)
            except IntakeError as exc:
                counts["errors"] += 1
                log.error(f"{what} not swept", exc)
        swept = Swept(**counts)
        if any(counts.values()):
            log.info("swept", **counts)
        return swept

    def _wake_deliveries(self, now: datetime) -> int:
        """Have `record` make the deliveries that are due; it finds all of them, whichever it is told of."""
        due = [each for queue in self.queues for each in queue.due(now, BATCH)]
        if due:
            self.tasks.sheet(due[0].intake.id)
        return len(due)

    def _take_lists(self, _: datetime) -> int:
        return self.lists.sync() if self.lists else 0

    def _look_at(self, due: Due, now: datetime) -> str:
        """Handle one intake and return what was done with it, by the names of `Swept`."""
        intake = due.intake
        pages_seen = intake.pages_seen
        attempts = intake.attempts + 1
        if intake.status in (Status.WAITING, Status.READING):
            if self.store.chunk_in_work(intake.id):
                self.store.postpone_check(
                    due, now + timedelta(seconds=self.stall_timeout_s), intake.attempts, pages_seen
                )
                return "in_work"
            done = done_pages(self.bucket, intake.id)
            if len(done) > pages_seen:
                attempts, pages_seen = 1, len(done)
            if attempts > self.max_attempts:
                return self._give_up(intake)
            # The first chunk where pages are not counted, or where only the last step is missing.
            self.tasks.ocr(intake.id, next_chunks(done, intake.pages, self.chunk_pages, self.chunks_in_flight) or [0])
        elif intake.status is Status.ASIDE:
            self.store.put_back(due)
            self.tasks.sheet(intake.id)
            return "woken"
        else:
            # Never given up: a Sheet that cannot be written is no fault of this bill, its row may even be there already, and
            # once somebody fixes the Sheet, all rows that are due are written.
            if attempts > self.max_attempts:
                log.error("row still not written", intake_id=intake.id, attempt=attempts)
            self.tasks.sheet(intake.id)
        pause = min(timedelta(seconds=self.stall_timeout_s * 2 ** min(attempts - 1, _DOUBLINGS)), LONGEST_PAUSE)
        self.store.postpone_check(due, now + pause, attempts, pages_seen)
        log.warning("intake woken", intake_id=intake.id, status=intake.status.value, attempt=attempts)
        return "woken"

    def _give_up(self, intake: Intake) -> str:
        if not self.store.fail(intake, GaveUp(), self.store.spent(intake.id).calls):
            return "in_work"  # It ended, or was read, just now.
        log.error("intake given up", intake_id=intake.id, status=intake.status.value)
        return "failed"

    def _delete_upload(self, upload: StaleUpload) -> None:
        """Delete what is left of an upload that never became an intake, or whose intake was refused."""
        if not self.store.abandon_upload(upload):
            return
        intake = self.store.intake(upload.intake_id)
        if intake is None or intake.upload_id != upload.id:
            self.bucket.delete_all(objects.bills_prefix(upload.intake_id, upload.id))
        elif intake.status is Status.FAILED:
            delete_files(self.bucket, intake)
            self.store.count_late_calls(intake.id)
        self.store.end_upload(upload.id)
