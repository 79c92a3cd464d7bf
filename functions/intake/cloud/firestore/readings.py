"""An intake while its bill is read: from waiting to reading to read, or failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from intake.cloud.failures import firestore_call
from intake.cloud.firestore.documents import LOST_RACE, Documents
from intake.errors import IntakeError, UpstreamError
from intake.model import Intake, Progress, Stage, Status

ADVANCE_TRIES = 5
SAME_BILL_LIMIT = 20


class Readings(Documents):
    """Changes of intakes that are read, with their progress."""

    @firestore_call
    def start_reading(self, intake: Intake, file_pages: Sequence[int]) -> bool:
        """Note the pages of each file: the intake goes from waiting to reading.

        Returns:
            False if another run did it first.
        """
        now = self._clock.now()
        progress = Progress(Stage.READING, intake.submitted_at, now, pages_total=sum(file_pages))
        changes = {"status": Status.READING.value, "file_pages": list(file_pages), "pages": sum(file_pages)}
        return self._advance(intake.id, {Status.WAITING}, changes, progress)

    @firestore_call
    def show_pages_done(self, intake: Intake, count: Callable[[], int]) -> None:
        """Show page n of m, at most about once a second for a document, whoever writes, and never backwards.

        Args:
            intake: One in reading.
            count: Returns how many pages are done; asked only when the number will be shown, since counting has its price.
        """
        now = self._clock.now()
        snapshot = self._progress_ref(intake.id).get()
        if not snapshot.exists:
            return  # It expired, so all is long over; this run was asleep.
        shown = Progress.from_document(snapshot.to_dict() or {})
        fresh = now - shown.updated_at < timedelta(seconds=1)
        if shown.stage is not Stage.READING or fresh:
            return
        pages_done = count()
        if not shown.pages_done < pages_done < intake.pages:
            return  # The last page is shown by the stage after it.
        progress = Progress(Stage.READING, intake.submitted_at, now, pages_done, intake.pages)
        try:
            option = self._db.write_option(last_update_time=snapshot.update_time)
            snapshot.reference.update(progress.to_document(), option=option)
        except LOST_RACE:
            return  # Another run has just shown its own, or the next stage has begun.

    @firestore_call
    def earlier_of_same_bill(self, intake: Intake, bill_key: str) -> list[Intake]:
        """Return earlier intakes with one of the same files, or of the same bill, that did not fail.

        Args:
            intake: The one to compare with.
            bill_key: Its key, or "" when it is not known.
        """
        intakes = self._db.collection("intakes")
        hashes = [file.sha256 for file in intake.files]
        queries = [intakes.where(filter=FieldFilter("file_hashes", "array_contains_any", hashes))]
        if bill_key:
            queries.append(intakes.where(filter=FieldFilter("bill_key", "==", bill_key)))
        found = {
            snapshot.id: Intake.from_document(snapshot.id, snapshot.to_dict() or {})
            for query in queries
            for snapshot in query.limit(SAME_BILL_LIMIT).stream()
        }
        return [
            other
            for other in found.values()
            if other.submitted_at < intake.submitted_at and other.status is not Status.FAILED
        ]

    @firestore_call
    def finish_reading(
        self,
        intake: Intake,
        reading: Mapping[str, Any],
        attention: Sequence[Mapping[str, str]],
        bill_key: str,
        calls: int,
    ) -> bool:
        """Keep what was read and mark the intake read: its row is due.

        Args:
            intake: One in reading.
            reading: What was read.
            attention: What should be looked at.
            bill_key: See `Intake`.
            calls: Calls of the OCR that it took: from now on it counts for so much of the day's budget.

        Returns:
            False if another run did it first.
        """
        changes = {
            "status": Status.READ.value,
            "reading": dict(reading),
            "attention": [dict(item) for item in attention],
            "bill_key": bill_key,
            "pages": calls,
        }
        progress = Progress(
            Stage.RECORDING,
            intake.submitted_at,
            self._clock.now(),
            intake.pages,
            intake.pages,
            fields=replace(intake, reading=reading).shown_fields(),
            attention=attention,
        )
        return self._advance(intake.id, {Status.READING}, changes, progress)

    @firestore_call
    def fail(self, intake: Intake, error: IntakeError, calls: int, *, discard_files: bool = False) -> bool:
        """End an intake with a reason that the submitter can read.

        Args:
            intake: One whose pages are not all read.
            error: The reason.
            calls: Calls of the OCR that it took; the rest of what it counts for in the day's budget is given back.
            discard_files: Write its upload down as one to be deleted, in the same commit; the caller deletes it, and
                if it crashes before that, the sweeper does it.

        Returns:
            False if it had ended before, or is read: from then on its row may be in the Sheet at any moment.
        """
        now = self._clock.now()
        reason = {"code": error.code, "message": error.message}
        progress = Progress(
            Stage.FAILED,
            intake.submitted_at,
            now,
            pages_total=intake.pages,
            error=reason,
            expire_at=now + self._keep_progress,
        )
        changes = {"status": Status.FAILED.value, "error": reason, "pages": calls}
        can_fail = {Status.WAITING, Status.READING}
        return self._advance(intake.id, can_fail, changes, progress, intake.upload_id if discard_files else None)

    def _advance(
        self,
        intake_id: str,
        expected: set[Status],
        changes: Mapping[str, Any],
        progress: Progress,
        abandoned_upload: str | None = None,
    ) -> bool:
        """Change an intake and its progress in one commit, if it still stands where it is expected.

        Returns:
            Whether this call changed it; also when the answer to the commit was lost and the client repeated it.
        """
        ref = self._intake_ref(intake_id)
        target, now = Status(changes["status"]), progress.updated_at
        check_at = firestore.DELETE_FIELD if target.finished else now + self._patience
        document = {**changes, "updated_at": now, "attempts": 0, "check_at": check_at}
        for _ in range(ADVANCE_TRIES):
            snapshot = ref.get(field_paths=["status", "updated_at"])
            held = snapshot.to_dict() or {}
            if held.get("updated_at") == now and held["status"] == target.value:
                return True
            if not snapshot.exists or Status(held["status"]) not in expected:
                return False
            batch = self._db.batch()
            batch.update(ref, document, option=self._db.write_option(last_update_time=snapshot.update_time))
            if target is Status.FAILED:
                # The pages shown stay as they are: a run that still reads may be counting them up at this moment.
                shown = {name: value for name, value in progress.to_document().items() if name != "pages_done"}
                batch.update(self._progress_ref(intake_id), shown)
            else:
                batch.set(self._progress_ref(intake_id), progress.to_document())
            if abandoned_upload is not None:
                batch.set(self._upload_ref(abandoned_upload), self._upload_document(intake_id))
            try:
                batch.commit()
            except LOST_RACE:
                continue  # Something else wrote in between, perhaps only the sweeper: read again.
            return True
        raise UpstreamError
