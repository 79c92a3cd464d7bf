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

from datetime import datetime

from google.cloud.firestore_v1.base_query import FieldFilter

from intake.cloud.failures import firestore_call
from intake.cloud.firestore.chunks import Chunks
from intake.cloud.firestore.documents import LOST_RACE
from intake.cloud.firestore.readings import Readings
from intake.cloud.firestore.recordings import Recordings
from intake.cloud.firestore.uploads import Uploads
from intake.model import Intake, Progress
from intake.ports import Due


class Store(Uploads, Chunks, Readings, Recordings):
    """The documents of one deployment, as `intake.ports.Store` asks for them."""

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
    def postpone_check(self, due: Due, check_at: datetime, attempts: int, pages_seen: int) -> None:
        """Set when the sweeper looks at an intake again, and what it has seen and tried so far.

        Nothing is changed if the intake has moved on since it was found due.
        """
        changes = {"check_at": check_at, "attempts": attempts, "pages_seen": pages_seen}
        try:
            self._intake_ref(due.intake.id).update(changes, option=self._db.write_option(last_update_time=due.version))
        except LOST_RACE:
            return
