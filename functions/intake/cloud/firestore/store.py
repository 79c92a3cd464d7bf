"""Firestore: the state of every intake. Each change of state is one conditional commit, so repeating one is harmless.

    intakes/{id}                all of an intake; private to the functions
    intakes/{id}/chunks/{n}     who reads these pages now, and until when (a lease); what processor time was paid for
    progress/{id}               what the submitter may see
    uploads/{upload}            an upload that has begun and is not yet an intake
    public/form-options         the office's lists; see office_documents
    office/agents
    office/sheet                why the Sheet cannot be written, for `deploy.sh status`

`check_at` on an intake is when the sweeper looks at it again; a finished intake has none, so the sweeper's query finds
unfinished ones only. No transactions are used: preconditions on the document's last update do the same here, cheaper,
and Google's emulator deadlocks on contended transactions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from google.api_core import exceptions as google_exceptions
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from intake import log
from intake.clock import SYSTEM_CLOCK
from intake.cloud.failures import firestore_call
from intake.errors import IntakeError, LeaseLost, UploadAbandoned, UpstreamError
from intake.model import Intake, Progress, Stage, Status
from intake.ports import ChunkLease, Clock, Due, Spent, StaleUpload

_LOST_RACE = (google_exceptions.FailedPrecondition, google_exceptions.AlreadyExists, google_exceptions.NotFound)
ADVANCE_TRIES = 5
SAME_BILL_LIMIT = 20
ASIDE_FOR = timedelta(days=1)
COMMIT_INTAKES = 100
"""Intakes in one commit: two writes each; a commit may hold 10 MiB (https://cloud.google.com/firestore/quotas)."""


class Store:
    """The documents of one deployment.

    Args:
        project: Google Cloud project id.
        stall_timeout_s: Seconds without progress after which the sweeper should look.
        progress_days: Days that a finished progress document stays readable.
        clock: The time.
    """

    def __init__(self, project: str, stall_timeout_s: float, progress_days: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._db = firestore.Client(project=project)
        self._clock = clock
        self._patience = timedelta(seconds=stall_timeout_s)
        self._keep_progress = timedelta(days=progress_days)

    @property
    def client(self) -> firestore.Client:
        """The connection, for the other documents of the same database."""
        return self._db

    # --- reading ----------------------------------------------------------------------------------------------------

    @firestore_call
    def intake(self, intake_id: str) -> Intake | None:
        """Return an intake, or None if there never was one with this id."""
        snapshot = self._intake_ref(intake_id).get()
        return Intake.from_document(intake_id, snapshot.to_dict() or {}) if snapshot.exists else None

    @firestore_call
    def progress(self, intake_id: str) -> Progress | None:
        """Return a progress document, or None if there is none (any more)."""
        snapshot = self._progress_ref(intake_id).get()
        return Progress.from_document(snapshot.to_dict() or {}) if snapshot.exists else None

    @firestore_call
    def due_for_check(self, now: datetime, limit: int) -> list[Due]:
        """Return unfinished intakes whose `check_at` has passed, longest due first."""
        query = self._db.collection("intakes").where(filter=FieldFilter("check_at", "<=", now))
        found = query.order_by("check_at").limit(limit).stream()
        return [Due(intake, snapshot.update_time) for snapshot in found if (intake := self._sound(snapshot, {}))]

    @firestore_call
    def awaiting_row(self, limit: int) -> list[Intake]:
        """Return intakes that are read and not yet recorded, oldest submission first among those found."""
        query = self._db.collection("intakes").where(filter=FieldFilter("status", "==", Status.READ.value))
        found = query.limit(limit).stream()
        aside = {"status": Status.ASIDE.value}
        intakes = [intake for snapshot in found if (intake := self._sound(snapshot, aside))]
        return sorted(intakes, key=lambda intake: intake.submitted_at)

    # --- submit -----------------------------------------------------------------------------------------------------

    @firestore_call
    def begin_upload(self, upload_id: str, intake_id: str) -> Any:
        """Record an upload before its first byte, so that it can always be found and deleted.

        Returns:
            The version of what was written, for `accept`.
        """
        return self._upload_ref(upload_id).set(self._upload_document(intake_id)).update_time

    @firestore_call
    def abandon_upload(self, upload: StaleUpload) -> bool:
        """Make sure that an upload can no longer become an intake; only then may its objects be deleted.

        Returns:
            False if it became one just now, or another sweep handles it.
        """
        option = self._db.write_option(last_update_time=upload.version)
        try:
            self._upload_ref(upload.id).update({"abandoned": True}, option=option)
        except _LOST_RACE:
            return False
        return True

    @firestore_call
    def end_upload(self, upload_id: str) -> None:
        """Forget an upload whose objects are gone or belong to an intake."""
        self._upload_ref(upload_id).delete()

    @firestore_call
    def accept(self, intake: Intake, upload_id: str, begun: Any) -> bool:
        """Make an intake of an upload, in one commit.

        Args:
            intake: The new intake.
            upload_id: The upload that brought its files.
            begun: What `begin_upload` returned.

        Returns:
            False if another request with the same key made it first; nothing is changed then.

        Raises:
            UploadAbandoned: This request paused so long that its upload was given up; it is not an intake.
            UpstreamError: Firestore did not answer.
        """
        batch = self._db.batch()
        check_at = intake.submitted_at + self._patience
        batch.create(self._intake_ref(intake.id), {**intake.to_document(), "check_at": check_at})
        progress = Progress(Stage.WAITING, intake.submitted_at, intake.submitted_at)
        batch.create(self._progress_ref(intake.id), progress.to_document())
        # A function can be frozen and resume an hour later: an upload that the sweeper has abandoned must not become an intake.
        batch.delete(self._upload_ref(upload_id), option=self._db.write_option(last_update_time=begun))
        try:
            batch.commit()
        except _LOST_RACE as exc:
            existing = self._intake_ref(intake.id).get()
            if not existing.exists:
                raise UploadAbandoned from exc
            # The client repeats a commit whose answer was lost; then the document that is in the way may be our own.
            return bool((existing.to_dict() or {})["files"] == intake.to_document()["files"])
        return True

    @firestore_call
    def stale_uploads(self, before: datetime, limit: int) -> list[StaleUpload]:
        """Return uploads that began before a time and were neither accepted nor discarded."""
        query = self._db.collection("uploads").where(filter=FieldFilter("started_at", "<", before))
        found = query.order_by("started_at").limit(limit).stream()
        return [StaleUpload(s.id, (s.to_dict() or {})["intake_id"], s.update_time) for s in found]

    # --- ocr --------------------------------------------------------------------------------------------------------

    @firestore_call
    def claim_chunk(self, intake_id: str, chunk: int, owner: str, lease_s: float, pay_s: float) -> ChunkLease | None:
        """Claim some pages of an intake by one conditional write, and pay for processor time to come.

            nobody's, or lease over ── claim ──▶ ours until lease_until ── renewed while we live
                                                   │ another owner asks: refused
                                                   ╰ the same owner asks: its first run died, so it gets the lease again

        Args:
            intake_id: The intake.
            chunk: 0-based number of the chunk.
            owner: Who asks; for a Pub/Sub message its id, which is the same for every delivery of it.
            lease_s: Seconds that the claim holds.
            pay_s: Seconds of processor time, on top of what was paid for before; a run that is killed has paid.
        """
        ref = self._chunk_ref(intake_id, chunk)
        snapshot = ref.get()
        before = snapshot.to_dict() or {}
        now = self._clock.now()
        if before.get("owner", owner) != owner and before["lease_until"] > now:
            return None
        until, paid_s = now + timedelta(seconds=lease_s), before.get("paid_s", 0.0) + pay_s
        lease = {"owner": owner, "lease_until": until, "paid_s": paid_s, "calls": before.get("calls", 0)}
        try:
            if snapshot.exists:
                option = self._db.write_option(last_update_time=snapshot.update_time)
                version = ref.update(lease, option=option).update_time
            else:
                version = ref.create(lease).update_time
        except _LOST_RACE:
            held = ref.get()
            if (held.to_dict() or {}) != lease:  # else the client repeated a write whose answer was lost
                return None
            version = held.update_time
        return ChunkLease(intake_id, chunk, version, paid_s, lease["calls"])

    @firestore_call
    def renew_chunk(self, lease: ChunkLease, lease_s: float, pay_s: float = 0, calls: int = 0) -> ChunkLease:
        """Renew the lease of a claimed chunk, pay for more processor time or get some back, and write calls down.

        Raises:
            LeaseLost: Somebody else has claimed it since.
        """
        ref = self._chunk_ref(lease.intake_id, lease.chunk)
        paid_s, calls = lease.paid_s + pay_s, lease.calls + calls
        lease_until = self._clock.now() + timedelta(seconds=lease_s)
        changes = {"lease_until": lease_until, "paid_s": paid_s, "calls": calls}
        try:
            version = ref.update(changes, option=self._db.write_option(last_update_time=lease.version)).update_time
        except _LOST_RACE as exc:
            held = ref.get()
            if not changes.items() <= (held.to_dict() or {}).items():  # as in `claim_chunk`
                raise LeaseLost from exc
            version = held.update_time
        return replace(lease, version=version, paid_s=paid_s, calls=calls)

    @firestore_call
    def spent(self, intake_id: str) -> Spent:
        """Return what was spent on all chunks of an intake."""
        snapshots = self._intake_ref(intake_id).collection("chunks").stream()
        chunks = [snapshot.to_dict() or {} for snapshot in snapshots]
        # A chunk that was claimed before an upgrade has neither.
        return Spent(sum(chunk.get("paid_s", 0.0) for chunk in chunks), sum(chunk.get("calls", 0) for chunk in chunks))

    @firestore_call
    def chunk_in_work(self, intake_id: str) -> bool:
        """Return whether anybody holds a chunk of this intake now."""
        now = self._clock.now()
        chunks = self._intake_ref(intake_id).collection("chunks").stream()
        return any((snapshot.to_dict() or {})["lease_until"] > now for snapshot in chunks)

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
        except _LOST_RACE:
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

    @firestore_call
    def count_late_calls(self, intake_id: str) -> None:
        """Count what the OCR was asked by runs that were at other chunks of an intake when it failed; once none is left."""
        self._intake_ref(intake_id).update({"pages": firestore.Maximum(self.spent(intake_id).calls)})

    # --- record -----------------------------------------------------------------------------------------------------

    @firestore_call
    def set_aside(self, intake_id: str) -> None:
        """Set an intake aside: its row is no longer due; the sweeper makes it due again once a day."""
        snapshot = self._intake_ref(intake_id).get(field_paths=["status"])
        if (snapshot.to_dict() or {}).get("status") == Status.READ.value:
            self._lay_aside(snapshot, {"status": Status.ASIDE.value, "check_at": self._clock.now() + ASIDE_FOR})

    @firestore_call
    def put_back(self, due: Due) -> None:
        """Make the row of an intake due again that was set aside; nothing is changed if it has moved on."""
        changes = {"status": Status.READ.value, "check_at": self._clock.now() + self._patience}
        with suppress(*_LOST_RACE):
            self._intake_ref(due.intake.id).update(changes, option=self._db.write_option(last_update_time=due.version))

    @firestore_call
    def note_sheet(self, trouble: str) -> None:
        """Keep the sentence that says why the Sheet cannot be written; "" when it can."""
        self._db.collection("office").document("sheet").set({"trouble": trouble, "updated_at": self._clock.now()})

    @firestore_call
    def mark_recorded(self, intakes: Sequence[Intake], *, then: Collection[str] = ()) -> None:
        """Mark intakes whose rows are in the Sheet as recorded and their progress as done.

        Doing it twice changes nothing but the times.

        Args:
            intakes: Read intakes.
            then: Names of the destinations to which they are due next, in the same commit; see `delivery_jobs`.
        """
        for start in range(0, len(intakes), COMMIT_INTAKES):
            now = self._clock.now()
            batch = self._db.batch()
            part = intakes[start : start + COMMIT_INTAKES]
            for intake in part:
                done = {"status": Status.RECORDED.value, "updated_at": now, "check_at": firestore.DELETE_FIELD}
                for name in then:
                    done |= {name: {"state": "due", "attempts": 0}, f"{name}_at": now}
                batch.update(self._intake_ref(intake.id), done)
                progress = Progress(
                    Stage.DONE,
                    intake.submitted_at,
                    now,
                    intake.pages,
                    intake.pages,
                    fields=intake.shown_fields(),
                    attention=intake.attention,
                    expire_at=now + self._keep_progress,
                )
                batch.set(self._progress_ref(intake.id), progress.to_document())
            try:
                batch.commit()
            except google_exceptions.NotFound:
                if len(part) == 1:
                    log.error("an intake document was deleted; its row stays", intake_id=part[0].id)
                else:
                    for intake in part:
                        self.mark_recorded([intake], then=then)

    # --- sweep ------------------------------------------------------------------------------------------------------

    @firestore_call
    def postpone_check(self, due: Due, check_at: datetime, attempts: int, pages_seen: int) -> None:
        """Set when the sweeper looks at an intake again, and what it has seen and tried so far.

        Nothing is changed if the intake has moved on since it was found due.
        """
        changes = {"check_at": check_at, "attempts": attempts, "pages_seen": pages_seen}
        try:
            self._intake_ref(due.intake.id).update(changes, option=self._db.write_option(last_update_time=due.version))
        except _LOST_RACE:
            return

    def _sound(self, snapshot: Any, otherwise: Mapping[str, Any]) -> Intake | None:
        """Return the intake of a document. A malformed one is skipped for a day, so that it does not block the others.

        Args:
            snapshot: The document.
            otherwise: What to change in a malformed one besides.
        """
        try:
            return Intake.from_document(snapshot.id, snapshot.to_dict() or {})
        except Exception as exc:  # whatever is wrong with it
            log.error("malformed intake document; skipped for a day", exc, intake_id=snapshot.id)
            self._lay_aside(snapshot, {**otherwise, "check_at": self._clock.now() + ASIDE_FOR})
            return None

    def _lay_aside(self, snapshot: Any, changes: dict[str, Any]) -> None:
        with suppress(*_LOST_RACE):
            snapshot.reference.update(changes, option=self._db.write_option(last_update_time=snapshot.update_time))

    # --- implementation --------------------------------------------------------------------------------------------

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
                # The pages shown stay as they are: whoever still reads may be counting them up at this moment.
                shown = {name: value for name, value in progress.to_document().items() if name != "pages_done"}
                batch.update(self._progress_ref(intake_id), shown)
            else:
                batch.set(self._progress_ref(intake_id), progress.to_document())
            if abandoned_upload is not None:
                batch.set(self._upload_ref(abandoned_upload), self._upload_document(intake_id))
            try:
                batch.commit()
            except _LOST_RACE:
                continue  # Something else wrote in between, perhaps only the sweeper: read again.
            return True
        raise UpstreamError

    def _intake_ref(self, intake_id: str) -> firestore.DocumentReference:
        return self._db.collection("intakes").document(intake_id)

    def _progress_ref(self, intake_id: str) -> firestore.DocumentReference:
        return self._db.collection("progress").document(intake_id)

    def _upload_ref(self, upload_id: str) -> firestore.DocumentReference:
        return self._db.collection("uploads").document(upload_id)

    def _chunk_ref(self, intake_id: str, chunk: int) -> firestore.DocumentReference:
        chunks: firestore.CollectionReference = self._intake_ref(intake_id).collection("chunks")
        return chunks.document(str(chunk))

    def _upload_document(self, intake_id: str) -> dict[str, Any]:
        return {"intake_id": intake_id, "started_at": self._clock.now()}
